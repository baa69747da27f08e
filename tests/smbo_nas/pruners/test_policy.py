from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest

from smbo_nas.pruners import StopPolicy
from tests.predictors.curves.synthetic import saturating


def curves(n_curves: int = 40, seed: int = 0) -> np.ndarray:
    return saturating(np.random.default_rng(seed), n_curves, 12)


def hopeless() -> np.ndarray:
    return np.array([0.3, 0.42, 0.5, 0.53, 0.55, 0.55])


def test_a_hopeless_training_is_stopped_and_the_best_is_not() -> None:
    finished = curves()
    verdict = StopPolicy().decide(finished, hopeless())
    assert verdict.stop
    assert verdict.probability < 0.1
    assert verdict.mean < finished[:, -1].max()
    assert "P(final > " in verdict.why
    best = finished[np.argmax(finished[:, -1])]
    assert not StopPolicy().decide(np.delete(finished, 3, axis=0), best[:6]).stop


def test_minimizing_is_maximizing_upside_down() -> None:
    finished = curves()
    for begun in (hopeless(), finished[0, :5]):
        up = StopPolicy().decide(finished, begun)
        down = StopPolicy().decide(-finished, -begun, direction="minimize")
        assert down.stop == up.stop
        assert down.probability == pytest.approx(up.probability, abs=1e-6)
        assert down.mean == pytest.approx(-up.mean)


def test_nothing_is_stopped_before_there_is_something_to_say() -> None:
    finished = curves()
    policy = StopPolicy(n_startup_trials=5, n_warmup_steps=3)
    silent = {
        "only 4 finished": policy.decide(finished[:4], hopeless()),
        "within the first 3": policy.decide(finished, hopeless()[:3]),
        "only 0 values": policy.decide(finished, [np.nan, np.inf]),
        "is finished": policy.decide(finished, np.full(12, 0.1)),
        "only 0 finished": policy.decide(np.full((9, 12), np.nan), hopeless()),
    }
    for why, verdict in silent.items():
        assert not verdict.stop
        assert why in verdict.why
        assert np.isnan(verdict.probability)
    assert policy.decide(finished[:5], hopeless()).stop
    assert policy.decide(finished, hopeless()[:4]).stop


def test_patience_asks_at_the_last_steps_again() -> None:
    finished = curves()
    # Until its last value this one is a candidate.
    begun = np.append(finished[np.argmax(finished[:, -1]), :5], 0.91)
    assert StopPolicy(k=1, risk=0.8, patience=1).decide(finished, begun).stop
    assert not StopPolicy(k=1, risk=0.8, patience=2).decide(finished, begun).stop
    assert StopPolicy(k=1, risk=0.8, patience=2).decide(finished, np.append(begun, 0.91)).stop


def test_the_kth_best_is_easier_to_beat() -> None:
    finished = curves()
    begun = finished[5, :4]
    chances = [StopPolicy(k=k).decide(finished, begun).probability for k in (1, 3, 10)]
    assert chances == sorted(chances)
    own = StopPolicy(k=7).decide(finished, begun, incumbent=finished[:, -1].max())
    assert own.probability == pytest.approx(chances[0])


def test_the_risk_decides() -> None:
    finished = curves()
    begun = finished[np.argsort(finished[:, -1])[25], :5]
    verdict = StopPolicy().decide(finished, begun)
    left = 1 - 5 / finished.shape[1]
    fallen = verdict.probability / verdict.before / left
    assert 0 < fallen < 0.9
    assert StopPolicy(risk=fallen * 1.01).decide(finished, begun).stop
    assert not StopPolicy(risk=fallen * 0.99).decide(finished, begun).stop


def test_what_has_little_left_to_pay_goes_on_for_little() -> None:
    """The same chance stops a training in the middle, but not one that is nearly done."""
    finished = curves()
    n_steps = finished.shape[1]
    policy = StopPolicy(k=1, risk=0.5)
    told = []
    for curve in finished:
        for n in range(2, n_steps):
            verdict = policy.decide(finished, curve[:n])
            told.append((n, verdict.probability / verdict.before, verdict.stop))
    assert all(stop == (fallen < 0.5 * (1 - n / n_steps)) for n, fallen, stop in told)
    late = [stop for n, fallen, stop in told if n == n_steps - 1 and 0.1 < fallen < 0.4]
    early = [stop for n, fallen, stop in told if n == 3 and 0.1 < fallen < 0.3]
    assert late
    assert not any(late)
    assert early
    assert all(early)


def test_what_was_unlikely_from_the_start_is_not_stopped_for_that() -> None:
    """Among a hundred finished every new one is unlikely to be the best: a usual curve says nothing against it."""
    finished = curves(100)
    usual = finished[np.argsort(finished[:, -1])[80]]
    verdict = StopPolicy(k=1).decide(np.vstack([finished, usual - 1e-3]), usual[:2])
    assert verdict.before < 0.1
    assert not verdict.stop


def test_of_the_winners_a_share_of_at_most_the_risk_is_stopped() -> None:
    """However often it is asked: Ville's inequality."""
    rng = np.random.default_rng(1)
    stopped, winners = 0, 0
    for _ in range(8):
        drawn = saturating(rng, 60, 12)
        finished, new = drawn[:40], drawn[40:]
        policy = StopPolicy(risk=0.2, k=8)
        for curve in new[new[:, -1] > np.sort(finished[:, -1])[-8]]:
            winners += 1
            stopped += any(policy.decide(finished, curve[:n]).stop for n in range(2, 12))
    assert winners > 20
    assert stopped <= 0.2 * winners + 2 * np.sqrt(0.2 * 0.8 * winners)


def test_a_prior_is_what_the_curve_must_speak_against() -> None:
    finished = curves()
    best = finished[:, -1].max()
    hoped = StopPolicy().decide(finished, hopeless(), prior=(best, 0.05))
    feared = StopPolicy().decide(finished, hopeless(), prior=(best - 0.2, 0.05))
    assert hoped.before > 0.4
    assert feared.before < 0.01
    assert hoped.probability > feared.probability


def test_what_promises_little_beside_others_must_show_more() -> None:
    finished = curves()
    policy = StopPolicy(risk=0.5)
    middling = finished[np.argsort(finished[:, -1])[-4], :4]
    chosen, random = (policy.decide(finished, middling, promise=promise) for promise in (1.0, 0.01))
    assert not chosen.stop
    assert random.stop
    assert random.why == f"{chosen.why}, promised 0.01 of the best in its place"


def test_a_pause_risks_more_than_a_stop_for_good() -> None:
    finished = curves()
    begun = [row[:6] for row in finished]

    def stops(policy: StopPolicy, promise: float | None) -> list[bool]:
        return [policy.decide(finished, curve, promise=promise).stop for curve in begun]

    assert stops(StopPolicy(), None) == stops(StopPolicy(risk=0.2), None)
    assert stops(StopPolicy(), 1.0) == stops(StopPolicy(risk=0.9), 1.0)
    assert sum(stops(StopPolicy(), 1.0)) > sum(stops(StopPolicy(risk=0.2), 1.0))


def test_what_the_graph_chose_is_not_given_up_for_its_first_values() -> None:
    """Curves and graphs err together early on."""
    finished = curves()
    seen = [0.97 * v for v in finished[np.argsort(finished[:, -1])[4], :2]]
    alone, chosen = (StopPolicy().decide(finished, seen, promise=promise) for promise in (None, 1.0))
    assert chosen.probability > alone.probability
    assert chosen.before == alone.before


def test_a_plain_loop_needs_nothing_but_the_policy() -> None:
    """The example of docs/samplers.md."""
    policy, horizon = StopPolicy(), 12
    finished: list[list[float]] = []
    lengths = []
    for network in curves(20):
        curve: list[float] = []
        for epoch in range(horizon):
            curve.append(float(network[epoch]))
            if policy.decide(np.array(finished).reshape(-1, horizon), curve, direction="maximize").stop:
                break
        else:
            finished.append(curve)
        lengths.append(len(curve))
    assert lengths[:4] == [horizon] * 4
    assert lengths[int(curves(20)[:, -1].argmax())] == horizon
    assert sum(lengths) < 0.85 * horizon * 20


def test_a_used_policy_decides_like_a_fresh_one() -> None:
    finished = curves(60)
    used = StopPolicy()
    for n in (10, 45, 60, 30, 59):
        assert used.decide(finished[:n], hopeless()[:3]) == StopPolicy().decide(finished[:n], hopeless()[:3])


def test_the_verdict_is_frozen() -> None:
    with pytest.raises(FrozenInstanceError):
        StopPolicy().decide(curves(), hopeless()).stop = False  # type: ignore[misc]


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"risk": 0.0}, r"`risk` must lie strictly between 0 and 1, but got 0.0"),
        ({"risk": 1.0}, r"`risk` must lie strictly between 0 and 1, but got 1.0"),
        ({"k": 0}, r"`k` must be at least 1, but got 0"),
        ({"n_startup_trials": 0}, r"`n_startup_trials` must be at least 1, but got 0"),
        ({"n_warmup_steps": -1}, r"`n_warmup_steps` must be at least 0, but got -1"),
        ({"patience": 0}, r"`patience` must be at least 1, but got 0"),
    ],
)
def test_arguments_are_checked(kwargs: dict[str, float], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        StopPolicy(**kwargs)  # type: ignore[arg-type]


def test_wrong_shapes_and_directions_are_refused() -> None:
    with pytest.raises(ValueError, match="at most n_steps"):
        StopPolicy().decide(curves(), np.zeros(13))
    with pytest.raises(ValueError, match="`direction` must be"):
        StopPolicy().decide(curves(), hopeless(), direction="up")  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="`promise` must be from 0 to 1, but got 2"):
        StopPolicy().decide(curves(), hopeless(), promise=2.0)
