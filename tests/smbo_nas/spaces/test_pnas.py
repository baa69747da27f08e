from __future__ import annotations

from math import prod

from smbo_nas.spaces import PNASSpace


def test_published_size() -> None:
    # Liu et al. 2018, sec. 3.1: block b chooses two of b + 1 inputs and two of eight operations; about 5.6e14 in all
    size = PNASSpace().size
    assert size == prod((b + 1) ** 2 * 8**2 for b in range(1, 6)) == 556_627_761_561_600
    assert f"{size:.1e}" == "5.6e+14"
    assert PNASSpace(blocks=1).size == 256  # the paper's B_1 has 256 settings, 136 of them distinct


def test_one_block_has_136_distinct_cells() -> None:
    # sec. 3.1: "|B_1| = 256 ... there are only 136 unique cells"; with `identity` a name like the others
    plain = PNASSpace(blocks=1, ops=tuple(f"op_{k}" for k in range(8)))
    assert len(plain.classes) == 136


def test_loose_blocks_are_concatenated() -> None:
    space = PNASSpace(blocks=3, ops=("sep_conv_3x3", "max_pool_3x3"))
    params = dict.fromkeys(space.choices, "sep_conv_3x3")
    for b, (first, second) in enumerate([("input_0", "input_1"), ("block_1", "input_1"), ("input_0", "input_0")], 1):
        params |= {f"block_{b}_input_a": first, f"block_{b}_input_b": second}
    graph = space.graph(params)
    assert graph.ops == ("input_0", "input_1", *("sep_conv_3x3", "sep_conv_3x3", "add") * 3, "concat", "output")
    before = graph.predecessors()
    assert before[4] == [2, 3]
    assert before[5] == [4]  # block 2 takes block 1
    assert before[11] == [7, 10]  # blocks 2 and 3: nothing else takes them
    assert before[12] == [11]
    assert graph.live == (True,) * graph.n_nodes


def test_a_block_may_concatenate() -> None:
    space = PNASSpace(blocks=1, ops=("sep_conv_3x3",), combine=("add", "concat"))
    assert space.size == 8
    point = {
        "block_1_input_a": "input_0",
        "block_1_input_b": "input_1",
        "block_1_op_a": "sep_conv_3x3",
        "block_1_op_b": "sep_conv_3x3",
        "block_1_combine": "concat",
    }
    assert space.graph(point).ops.count("concat") == 2
    assert space.graph(point).canonical().ops.count("concat") == 1
    assert space.graph(point).digest != space.graph({**point, "block_1_combine": "add"}).digest
    only = PNASSpace(blocks=1, ops=("sep_conv_3x3",), combine=("concat",))
    assert "block_1_combine" not in only.choices
    del point["block_1_combine"]
    assert only.graph(point).ops.count("concat") == 2


def test_the_two_halves_of_a_block_are_interchangeable() -> None:
    space = PNASSpace(blocks=2)
    names = list(space.choices)
    values = ["input_0", "input_1", "sep_conv_3x3", "max_pool_3x3", "block_1", "input_0", "identity", "sep_conv_5x5"]
    swapped = ["input_1", "input_0", "max_pool_3x3", "sep_conv_3x3", "input_0", "block_1", "sep_conv_5x5", "identity"]
    first, second = (space.graph(dict(zip(names, v, strict=True))) for v in (values, swapped))
    assert first != second
    assert first.digest == second.digest
