"""The assembler against words worked out by hand from the RP2040 datasheet, section 3.4.

15..13  12..8            7..5  4..0
opcode  side-set, delay  operands
"""

import pytest
from _pioasm import PIOASMError, asm_pio, asm_pio_encode
from pio_rig import step_program

# ruff: noqa: F821


@pytest.mark.parametrize(
    ("text", "bits"),
    [
        # opcode _ delay _ condition, target are tested with labels below
        ("wait(1, pin, 0)", 0b001_00000_1_01_00000),  # polarity, source 01 = pin, index
        ("wait(0, gpio, 5)", 0b001_00000_0_00_00101),
        ("wait(1, irq, 2)", 0b001_00000_1_10_00010),
        ("wait(1, irq, rel(2))", 0b001_00000_1_10_10010),
        ("in_(pins, 32)", 0b010_00000_000_00000),  # 32 is written as 0
        ("in_(null, 3)", 0b010_00000_011_00011),
        ("out(y, 13)", 0b011_00000_010_01101),
        ("out(exec, 16)", 0b011_00000_111_10000),
        ("push()", 0b100_00000_0_0_1_00000),  # 0 = push, if-full, block
        ("push(iffull, noblock)", 0b100_00000_0_1_0_00000),
        ("push(iffull)", 0b100_00000_0_1_1_00000),
        ("pull()", 0b100_00000_1_0_1_00000),
        ("pull(block)", 0b100_00000_1_0_1_00000),
        ("pull(noblock)", 0b100_00000_1_0_0_00000),
        ("pull(ifempty, block)", 0b100_00000_1_1_1_00000),
        ("mov(x, osr)", 0b101_00000_001_00_111),  # destination, operation, source
        ("mov(x, invert(null))", 0b101_00000_001_01_011),
        ("mov(y, reverse(isr))", 0b101_00000_010_10_110),
        ("mov(exec, x)", 0b101_00000_100_00_001),
        ("mov(isr, status)", 0b101_00000_110_00_101),
        ("nop()", 0b101_00000_010_00_010),  # mov(y, y)
        ("irq(3)", 0b110_00000_0_0_0_00011),  # 0, clear, wait
        ("irq(clear, 3)", 0b110_00000_0_1_0_00011),
        ("irq(block, rel(1))", 0b110_00000_0_0_1_10001),
        ("set(pins, 1)[9]", 0b111_01001_000_00001),
        ("set(pindirs, 31).delay(31)", 0b111_11111_100_11111),
        ("word(0x1234)", 0x1234),
    ],
)
def test_an_instruction_has_the_bits_of_the_datasheet(text, bits):
    assert asm_pio_encode(text) == bits


def test_the_step_program_has_the_words_worked_out_by_hand():
    assert step_program.words == [
        0b100_00000_1_0_1_00000,  # 0 start: pull block
        0b011_00000_010_01101,  # 1 out y, 13
        0b000_00000_100_00111,  # 2 jmp y--, 7
        0b101_00000_001_00_111,  # 3 mov x, osr
        0b000_00000_010_00100,  # 4 wait: jmp x--, 4
        0b000_00000_000_00000,  # 5 jmp 0
        0b101_00010_010_00_010,  # 6 pad: nop [2]
        0b101_00000_001_00_111,  # 7 go: mov x, osr
        0b000_00000_010_01000,  # 8 delay: jmp x--, 8
        0b111_01001_000_00001,  # 9 set pins, 1 [9]
        0b111_00000_000_00000,  # 10 set pins, 0
        0b000_00000_100_00110,  # 11 jmp y--, 6
    ]
    assert (step_program.wrap_target, step_program.wrap) == (0, 11)


def test_every_jump_condition_has_its_code():
    @asm_pio()
    def program():
        jmp("end")
        jmp(not_x, "end")
        jmp(x_dec, "end")
        jmp(not_y, "end")
        jmp(y_dec, "end")
        jmp(x_not_y, "end")
        jmp(pin, "end")
        jmp(not_osre, "end")
        label("end")
        nop()

    assert [word >> 5 & 7 for word in program.words[:8]] == list(range(8))
    assert {word & 31 for word in program.words[:8]} == {8}


def test_a_side_set_on_every_instruction_needs_no_enable_bit():
    @asm_pio(sideset_init=2)
    def program():
        set(pins, 1).side(1)[3]
        nop().side(0)

    assert program.words[0] == 0b111_1_0011_000_00001  # side, four bits of delay
    assert not program.sideset_opt


def test_a_side_set_on_some_instructions_takes_an_enable_bit_from_the_delay():
    @asm_pio(sideset_init=(2, 2))
    def program():
        nop().side(2)[3]
        nop()[3]

    assert program.words == [0b101_1_10_11_010_00010, 0b101_0_00_11_010_00010]  # enable, side, two bits of delay
    assert program.sideset_opt


def test_wrap_and_wrap_target_are_where_they_are_said():
    @asm_pio()
    def program():
        nop()
        wrap_target()
        nop()
        nop()
        wrap()
        nop()

    assert (program.wrap_target, program.wrap) == (1, 2)


def test_the_functions_globals_are_as_before_even_after_an_error():
    before = dict(globals())

    def broken():
        jmp("nowhere")

    with pytest.raises(PIOASMError):
        asm_pio()(broken)
    assert globals() == before


def _assemble(text, **config):
    scope = {"__builtins__": __builtins__}
    exec("def program():\n" + "".join(f"    {line}\n" for line in text.split(";")), scope)
    return asm_pio(**config)(scope["program"])


@pytest.mark.parametrize(
    ("text", "config", "complaint"),
    [
        ("jmp('nowhere')", {}, "unknown label nowhere"),
        ("jmp('end');label('end')", {}, "label end is behind the last instruction"),
        ("label('a');label('a');nop()", {}, "duplicate label a"),
        ("nop()[32]", {}, "delay too large"),
        ("nop().side(1)[16]", {"sideset_init": 2}, "delay too large"),  # four bits left
        ("nop().side(1)[8];nop()", {"sideset_init": 2}, "delay too large"),  # three: one more for the enable
        ("nop().side(1)", {}, "no sideset"),
        ("nop().side(2)", {"sideset_init": 2}, "sideset too large"),
        ("out(x, 0)", {}, "invalid bit count 0"),
        ("in_(x, 33)", {}, "invalid bit count 33"),
        ("set(x, 32)", {}, "set value 32 is not in 0..31"),
        (";".join(["nop()"] * 33), {}, "program too long: 33 instructions, at most 32"),
    ],
)
def test_what_cannot_be_encoded_is_refused(text, config, complaint):
    with pytest.raises(PIOASMError, match=complaint):
        _assemble(text, **config)


def test_encode_takes_one_instruction_and_no_jump():
    with pytest.raises(PIOASMError, match="exactly 1"):
        asm_pio_encode("nop(); nop()")
    with pytest.raises(TypeError):
        asm_pio_encode("jmp(0)")
    assert asm_pio_encode("set(pins, 1).side(1)", 2, True) == 0b111_1_1_000_000_00001
