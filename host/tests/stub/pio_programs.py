"""Programs for a state machine, of any instructions that end."""

from _pioasm import Program
from hypothesis import strategies as st
from pio_rig import STEP_PIN


def _random_program(instructions, wrap_target, wrap, right, sides):
    wrap %= len(instructions)
    if wrap < len(instructions) - 1:
        instructions = [*instructions, wrap_target]  # behind the wrap: nothing may run off the end
    size = len(instructions)
    words = []
    for i, instruction in enumerate(instructions):
        if instruction >> 13 == 0:
            instruction = instruction & ~31 | (instruction & 31) % size
        if sides:
            instruction = instruction & ~(1 << 12) | (sides >> i & 1) << 12
        words.append(instruction)
    program = Program(
        set_init=2, out_init=2, sideset_init=2 if sides else None, out_shiftdir=int(right), in_shiftdir=int(not right)
    )
    program.words = words
    program.wrap = wrap or size - 1  # pioemu takes 0 for "the last one"
    program.wrap_target = wrap_target % size
    return program


delays = st.sampled_from([0, 0, 0, 1, 3, 9]).map(lambda cycles: cycles << 8)
registers_only = st.sampled_from([1, 2, 6, 7])
operations = st.one_of(
    st.builds(lambda condition, target: condition << 5 | target, st.integers(0, 7), st.integers(0, 31)),
    st.builds(lambda condition, target: condition << 5 | target, st.sampled_from([0, 2, 4]), st.integers(0, 31)),
    st.builds(lambda level: 0x2000 | level << 7 | 1 << 5 | STEP_PIN, st.integers(0, 1)),
    st.builds(
        lambda source, count: 0x4000 | source << 5 | count, st.sampled_from([0, 1, 2, 3, 6, 7]), st.integers(0, 31)
    ),
    st.builds(lambda to, count: 0x6000 | to << 5 | count, st.sampled_from([0, 1, 2, 3, 6]), st.integers(0, 31)),
    st.sampled_from([0x8000, 0x8020, 0x8080, 0x80A0]),
    st.builds(
        lambda to, how, source: 0xA000 | to << 5 | how << 3 | source,
        registers_only,
        st.integers(0, 1),
        st.integers(0, 3),
    ),
    st.builds(lambda to, source: 0xA000 | to << 5 | source, registers_only, registers_only),
    st.builds(lambda to, value: 0xE000 | to << 5 | value, st.integers(0, 2), st.integers(0, 31)),
)
programs = st.builds(
    _random_program,
    st.lists(st.builds(lambda operation, delay: operation | delay, operations, delays), min_size=1, max_size=10),
    st.integers(0, 9),
    st.integers(0, 9),
    st.booleans(),
    st.one_of(st.just(0), st.integers(1, 1023)),
)
