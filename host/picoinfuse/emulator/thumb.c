/* Executes the Thumb instructions of the emulated Pico that only compute, quickly.
 *
 * It runs from `pc` until `budget` cycles are used, or until it meets an instruction that touches a peripheral, changes
 * mode, waits, or is unknown here. rp2040py's own core executes that instruction, then this code continues after it.
 * Registers and memory belong to rp2040py; only the flags are kept here while this code runs. Cycles are counted as
 * rp2040py counts them.
 *
 * Of the peripherals only SIO's divider, spinlocks and CPUID are here, because MicroPython divides 70,000 times a
 * second to look up names. Their state exists only here: rp2040py's SIO uses it too (`SharedSio` in thumb.py), so one
 * core can begin a division and the other one can end it.
 */
#include <stdint.h>
#include <string.h>

typedef struct {
    uint32_t *r;
    uint8_t *rom, *flash, *ram;
    uint32_t n, z, c, v;
    uint32_t dividend, divisor, quotient, remainder, csr, spinlocks;
    uint32_t masked;         /* PRIMASK */
    uint32_t pending;        /* in: an interrupt waits, so to unmask is for the core */
    uint32_t asked;          /* out: it ended at a read of this peripheral register, which changes nothing */
    uint32_t known, value;   /* in: the answer to what was asked; good until something else happens */
    uint32_t left_to_core;   /* out: it ended at an instruction for rp2040py's core */
    double timer_ns;         /* in: what the chip's timer has counted, at the start */
} cpu_t;

#define ADC_CS 0x4004C000u   /* polled until a conversion is done */
#define TIMERAWH 0x40054024u
#define TIMERAWL 0x40054028u
#define CYCLE_NS 8.0

enum { ROM_BYTES = 16 << 10, FLASH_BYTES = 16 << 20, RAM_BYTES = 264 << 10 };
#define FLASH 0x10000000u
#define RAM 0x20000000u
#define SIO 0xD0000000u

static inline uint32_t get32(const uint8_t *p) { uint32_t x; memcpy(&x, p, 4); return x; }
static inline uint16_t get16(const uint8_t *p) { uint16_t x; memcpy(&x, p, 2); return x; }
static inline void put32(uint8_t *p, uint32_t x) { memcpy(p, &x, 4); }
static inline void put16(uint8_t *p, uint16_t x) { memcpy(p, &x, 2); }

/* Where `bytes` bytes at `a` are in memory that can be read, or NULL. */
static inline uint8_t *readable(cpu_t *cpu, uint32_t a, uint32_t bytes) {
    if (a - RAM <= RAM_BYTES - bytes) return cpu->ram + (a - RAM);
    if (a - FLASH <= FLASH_BYTES - bytes) return cpu->flash + (a - FLASH);
    if (a <= ROM_BYTES - bytes) return cpu->rom + a;
    return 0;
}

static inline uint8_t *writable(cpu_t *cpu, uint32_t a, uint32_t bytes) {
    return a - RAM <= RAM_BYTES - bytes ? cpu->ram + (a - RAM) : 0;
}

static void divide(cpu_t *cpu, int is_signed) {
    uint32_t a = cpu->dividend, b = cpu->divisor;
    if (b == 0) {
        cpu->quotient = a ? 0xFFFFFFFFu : 1;
        cpu->remainder = a;
    } else if (is_signed && b == 0xFFFFFFFFu) { /* INT_MIN / -1 must not trap */
        cpu->quotient = 0 - a;
        cpu->remainder = 0;
    } else if (is_signed) {
        cpu->quotient = (uint32_t)((int32_t)a / (int32_t)b);
        cpu->remainder = (uint32_t)((int32_t)a % (int32_t)b);
    } else {
        cpu->quotient = a / b;
        cpu->remainder = a % b;
    }
    cpu->csr = 3;
}

/* Both return 0 when the register is not here. */
static int sio_read(cpu_t *cpu, uint32_t a, uint32_t *value) {
    uint32_t offset = a - SIO, bit = 1u << ((offset >> 2) & 31);
    switch (offset) {
    case 0x00: *value = 0; return 1;
    case 0x5C: *value = cpu->spinlocks; return 1;
    case 0x60: case 0x68: *value = cpu->dividend; return 1;
    case 0x64: case 0x6C: *value = cpu->divisor; return 1;
    case 0x70: *value = cpu->quotient; cpu->csr &= ~2u; return 1;
    case 0x74: *value = cpu->remainder; return 1;
    case 0x78: *value = cpu->csr; return 1;
    }
    if (offset < 0x100 || offset > 0x17C) return 0;
    *value = cpu->spinlocks & bit ? 0 : bit;
    cpu->spinlocks |= bit;
    return 1;
}

static int sio_write(cpu_t *cpu, uint32_t a, uint32_t value) {
    uint32_t offset = a - SIO, bit = 1u << ((offset >> 2) & 31);
    switch (offset) {
    case 0x60: cpu->dividend = value; divide(cpu, 0); return 1;
    case 0x64: cpu->divisor = value; divide(cpu, 0); return 1;
    case 0x68: cpu->dividend = value; divide(cpu, 1); return 1;
    case 0x6C: cpu->divisor = value; divide(cpu, 1); return 1;
    case 0x70: cpu->quotient = value; cpu->csr = 3; return 1;
    case 0x74: cpu->remainder = value; cpu->csr = 3; return 1;
    }
    if (offset < 0x100 || offset > 0x17C) return 0;
    cpu->spinlocks &= ~bit;
    return 1;
}

/* For rp2040py's SIO, when its core gets to such a register. */
uint32_t thumb_sio_read(cpu_t *cpu, uint32_t offset, uint32_t *value) { return (uint32_t)sio_read(cpu, SIO + offset, value); }
uint32_t thumb_sio_write(cpu_t *cpu, uint32_t offset, uint32_t value) { return (uint32_t)sio_write(cpu, SIO + offset, value); }

/* A word of a peripheral that can be read here: its cycles, or 0. */
static uint32_t peripheral_read(cpu_t *cpu, uint32_t a, uint32_t used, uint32_t *value) {
    if (a >> 28 == 0xD) return sio_read(cpu, a, value) ? 1 : 0;
    if (a == TIMERAWL || a == TIMERAWH) {
        uint64_t us = (uint64_t)((cpu->timer_ns + used * CYCLE_NS) / 1000.0);
        *value = (uint32_t)(a == TIMERAWL ? us : us >> 32);
        return 4;
    }
    if (a != ADC_CS) return 0;
    if (cpu->known != a) {
        cpu->asked = a;
        return 0;
    }
    *value = cpu->value;
    return 4;
}

/* One load or store; kind as in bits 11:9 of the register form. Cycles, or 0 when it is not for here. */
static uint32_t transfer(cpu_t *cpu, uint32_t used, uint32_t kind, uint32_t *t, uint32_t a) {
    static const uint8_t size[8] = {4, 2, 1, 1, 4, 2, 1, 2};
    uint32_t bytes = size[kind];
    uint8_t *p;
    if (a & (bytes - 1)) return 0;
    if (kind < 3) {
        p = writable(cpu, a, bytes);
        if (!p) return bytes == 4 && a >> 28 == 0xD && sio_write(cpu, a, *t) ? 1 : 0;
        if (bytes == 4) put32(p, *t);
        else if (bytes == 2) put16(p, (uint16_t)*t);
        else *p = (uint8_t)*t;
        return 2;
    }
    p = readable(cpu, a, bytes);
    if (!p && a == SIO) { *t = 0; return 1; } /* CPUID, which the SDK reads as a byte */
    if (!p) return bytes == 4 ? peripheral_read(cpu, a, used, t) : 0;
    switch (kind) {
    case 3: *t = (uint32_t)(int8_t)*p; break;
    case 4: *t = get32(p); break;
    case 5: *t = get16(p); break;
    case 6: *t = *p; break;
    case 7: *t = (uint32_t)(int16_t)get16(p); break;
    }
    return 2;
}

/* PUSH, POP, STM, LDM. Cycles, or 0 when it is not for here. */
static uint32_t multiple(cpu_t *cpu, uint32_t op) {
    uint32_t *r = cpu->r, list = op & 0xFF, count = 0, i, a;
    uint8_t *p;
    for (i = list; i; i &= i - 1) count++;
    switch (op >> 9) {
    case 0x5A: { /* PUSH */
        uint32_t lr = (op >> 8) & 1, bytes = 4 * (count + lr);
        a = r[13] - bytes;
        if (a & 3 || !(p = writable(cpu, a, bytes))) return 0;
        for (; list; list &= list - 1, p += 4) put32(p, r[__builtin_ctz(list)]);
        if (lr) put32(p, r[14]);
        r[13] = a & ~3u;
        return 1 + count; /* rp2040py counts none for LR */
    }
    case 0x5E: { /* POP */
        uint32_t pc = (op >> 8) & 1, bytes = 4 * (count + pc);
        a = r[13];
        if (a & 3 || !(p = readable(cpu, a, bytes))) return 0;
        if (pc && get32(p + 4 * count) >> 28 == 0xF) return 0; /* may be the return from an exception */
        for (; list; list &= list - 1, p += 4) r[__builtin_ctz(list)] = get32(p);
        r[13] = (a + bytes) & ~3u;
        if (!pc) return 1 + count;
        r[15] = get32(p) & ~1u;
        return 3 + count;
    }
    }
    uint32_t b = (op >> 8) & 7;
    a = r[b];
    if (a & 3) return 0;
    if (op >> 11 == 0x18) { /* STM */
        if (!(p = writable(cpu, a, 4 * count))) return 0;
        for (; list; list &= list - 1, p += 4) put32(p, r[__builtin_ctz(list)]);
    } else {
        if (!(p = readable(cpu, a, 4 * count))) return 0;
        for (; list; list &= list - 1, p += 4) r[__builtin_ctz(list)] = get32(p);
    }
    if (!(op >> b & 1)) r[b] = a + 4 * count;
    return 1 + count;
}

/* 1011 without PUSH and POP: stack pointer, extension, byte order. Cycles, or 0. */
static uint32_t misc(cpu_t *cpu, uint32_t op) {
    uint32_t *r = cpu->r, *d = &r[op & 7], m = r[(op >> 3) & 7];
    switch (op >> 6) {
    case 0x2C0: case 0x2C1: r[13] = (r[13] + ((op & 0x7F) << 2)) & ~3u; return 1;
    case 0x2C2: case 0x2C3: r[13] = (r[13] - ((op & 0x7F) << 2)) & ~3u; return 1;
    case 0x2C8: *d = (uint32_t)(int16_t)m; return 1;
    case 0x2C9: *d = (uint32_t)(int8_t)m; return 1;
    case 0x2CA: *d = m & 0xFFFF; return 1;
    case 0x2CB: *d = m & 0xFF; return 1;
    case 0x2E8: *d = __builtin_bswap32(m); return 1;
    case 0x2E9: *d = (m & 0x00FF00FFu) << 8 | (m >> 8 & 0x00FF00FFu); return 1;
    case 0x2EB: *d = (uint32_t)(int16_t)__builtin_bswap16((uint16_t)m); return 1;
    }
    if (op == 0xB672) cpu->masked = 1; /* CPSID */
    else if (op == 0xB662 && !cpu->pending) cpu->masked = 0; /* CPSIE, where it lets no interrupt in */
    else return op == 0xBF00; /* NOP */
    return 1;
}

/* 11110 without BL: barriers, MRS and MSR of PRIMASK; the others of two words are for the core. Cycles, or 0. */
static uint32_t wide(cpu_t *cpu, uint32_t op, uint32_t op2) {
    uint32_t *r = cpu->r;
    if (op == 0xF3EF && (op2 & 0xF0FF) == 0x8010) r[op2 >> 8 & 15] = cpu->masked;
    else if (op >> 4 == 0xF38 && op2 == 0x8810 && (r[op & 15] & 1 || !cpu->pending)) cpu->masked = r[op & 15] & 1;
    else if (op != 0xF3BF || op2 < 0x8F40 || op2 > 0x8F6F) return 0;
    return 3;
}

/* Where code at `pc` is, in memory that begins at `*at` and in which an instruction may begin up to `*span` behind; or NULL. */
static const uint8_t *code_at(cpu_t *cpu, uint32_t pc, uint32_t *at, uint32_t *span) {
    *at = pc >= RAM ? RAM : pc >= FLASH ? FLASH : 0;
    *span = (pc >= RAM ? RAM_BYTES : pc >= FLASH ? FLASH_BYTES : ROM_BYTES) - 4;
    if (pc - *at > *span) return 0;
    return pc >= RAM ? cpu->ram : pc >= FLASH ? cpu->flash : cpu->rom;
}

/* Does `bytes` bytes at the offset `x` lie in RAM, and even? Both in one comparison. */
#define IN_RAM(x, bytes) ((bytes) == 1 ? (x) < RAM_BYTES : ((x) / (bytes) | (x) << (32 - (bytes) / 2)) < RAM_BYTES / (bytes))

#define D r[op & 7]
#define M r[op >> 3 & 7]
#define N8 r[op >> 8 & 7]
#define FIVE (op >> 6 & 31)
#define NEXT(cycles) do { \
        if ((left -= (cycles)) <= 0) goto out; \
        x = pc - at; \
        if (x > span) goto elsewhere; \
        op = get16(code + x); \
        pc += 2; \
        goto *handle[op >> 6]; \
    } while (0)
#define SET(register, value) do { x = (value); nz = (int32_t)x; register = x; NEXT(1); } while (0)
#define ADD(register, a, b, carry) do { \
        x = (a); s = (b); \
        uint64_t wide_sum = (uint64_t)x + s + (carry); \
        y = (uint32_t)wide_sum; \
        c = (uint32_t)(wide_sum >> 32); \
        v = (x ^ y) & (s ^ y); \
        nz = (int32_t)y; \
        register = y; \
        NEXT(1); \
    } while (0)
#define SUB(register, a, b) do { \
        x = (a); s = (b); \
        y = x - s; \
        c = x >= s; \
        v = (x ^ s) & (x ^ y); \
        nz = (int32_t)y; \
        register = y; \
        NEXT(1); \
    } while (0)
#define BRANCH_IF(condition) do { \
        if (!(condition)) NEXT(1); \
        pc += 2 + (uint32_t)((int32_t)(int8_t)op * 2); \
        NEXT(2); \
    } while (0)
#define LOAD(from, bytes, kind_, get) do { \
        a = (from); x = a - RAM; \
        if (IN_RAM(x, bytes)) { *t = get(ram + x); NEXT(2); } \
        x = a - FLASH; \
        if (!(a & (bytes - 1)) && x <= FLASH_BYTES - bytes) { *t = get(flash + x); NEXT(2); } \
        kind = kind_; goto slow; \
    } while (0)
#define STORE(to, bytes, kind_, put) do { \
        a = (to); x = a - RAM; \
        if (IN_RAM(x, bytes)) { put(ram + x, *t); NEXT(2); } \
        kind = kind_; goto slow; \
    } while (0)
#define GET8(p) (*(p))
#define GETS8(p) ((uint32_t)(int8_t)*(p))
#define GETS16(p) ((uint32_t)(int16_t)get16(p))
#define PUT8(p, x) (*(p) = (uint8_t)(x))
#define PUT16(p, x) put16(p, (uint16_t)(x))

/* Cycles that were used; at least one instruction is tried.
 *
 * An instruction's upper ten bits lead to its label, and each label to that of the next one. PC and flags are in local variables meanwhile: of
 * the 64 bits of `nz` the sign is N, and the lower half is 0 where Z is set; the sign of `v` is V.
 */
uint32_t thumb_run(cpu_t *cpu, uint32_t budget) {
    static const void *const handle[1024] = {
        [0x000] = &&movs_register, [0x001 ... 0x01F] = &&lsl, [0x020] = &&lsr_32, [0x021 ... 0x03F] = &&lsr,
        [0x040] = &&asr_32, [0x041 ... 0x05F] = &&asr, [0x060 ... 0x067] = &&add_register,
        [0x068 ... 0x06F] = &&sub_register, [0x070 ... 0x077] = &&add_3, [0x078 ... 0x07F] = &&sub_3,
        [0x080 ... 0x09F] = &&mov_8, [0x0A0 ... 0x0BF] = &&cmp_8, [0x0C0 ... 0x0DF] = &&add_8,
        [0x0E0 ... 0x0FF] = &&sub_8, [0x100] = &&and, [0x101] = &&eor, [0x102] = &&lsl_by, [0x103] = &&lsr_by,
        [0x104] = &&asr_by, [0x105] = &&adc, [0x106] = &&sbc, [0x107] = &&ror_by, [0x108] = &&tst, [0x109] = &&neg,
        [0x10A] = &&cmp, [0x10B] = &&cmn, [0x10C] = &&orr, [0x10D] = &&mul, [0x10E] = &&bic, [0x10F] = &&mvn,
        [0x110 ... 0x113] = &&high_add, [0x114 ... 0x117] = &&high_cmp, [0x118 ... 0x11B] = &&high_mov,
        [0x11C ... 0x11F] = &&bx, [0x120 ... 0x13F] = &&ldr_literal, [0x140 ... 0x147] = &&str_register,
        [0x148 ... 0x14F] = &&strh_register, [0x150 ... 0x157] = &&strb_register,
        [0x158 ... 0x15F] = &&ldrsb_register, [0x160 ... 0x167] = &&ldr_register,
        [0x168 ... 0x16F] = &&ldrh_register, [0x170 ... 0x177] = &&ldrb_register,
        [0x178 ... 0x17F] = &&ldrsh_register, [0x180 ... 0x19F] = &&str, [0x1A0 ... 0x1BF] = &&ldr,
        [0x1C0 ... 0x1DF] = &&strb, [0x1E0 ... 0x1FF] = &&ldrb, [0x200 ... 0x21F] = &&strh,
        [0x220 ... 0x23F] = &&ldrh, [0x240 ... 0x25F] = &&str_sp, [0x260 ... 0x27F] = &&ldr_sp,
        [0x280 ... 0x29F] = &&adr, [0x2A0 ... 0x2BF] = &&add_sp, [0x2C0 ... 0x2CF] = &&other,
        [0x2D0 ... 0x2D7] = &&many, [0x2D8 ... 0x2EF] = &&other, [0x2F0 ... 0x2F3] = &&many,
        [0x2F4 ... 0x2F7] = &&pop_pc, [0x2F8 ... 0x2FF] = &&other, [0x300 ... 0x33F] = &&many,
        [0x340 ... 0x343] = &&beq, [0x344 ... 0x347] = &&bne, [0x348 ... 0x34B] = &&bcs, [0x34C ... 0x34F] = &&bcc,
        [0x350 ... 0x353] = &&bmi, [0x354 ... 0x357] = &&bpl, [0x358 ... 0x35B] = &&bvs, [0x35C ... 0x35F] = &&bvc,
        [0x360 ... 0x363] = &&bhi, [0x364 ... 0x367] = &&bls, [0x368 ... 0x36B] = &&bge, [0x36C ... 0x36F] = &&blt,
        [0x370 ... 0x373] = &&bgt, [0x374 ... 0x377] = &&ble, [0x378 ... 0x37F] = &&core, /* UDF, SVC */
        [0x380 ... 0x39F] = &&b, [0x3A0 ... 0x3BF] = &&core, [0x3C0 ... 0x3DF] = &&two_words, [0x3E0 ... 0x3FF] = &&core,
    };
    uint32_t *r = cpu->r, pc = r[15] & ~1u; /* rp2040py leaves bit 0 of a vector in the PC */
    uint32_t c = cpu->c, v = cpu->v << 31, at, span, op, x, y, s, a, *t, kind, cycles;
    int64_t nz = (cpu->n ? INT64_MIN : 0) | !cpu->z;
    int32_t left = budget > INT32_MAX ? INT32_MAX : (int32_t)budget, all = left;
    uint8_t *const ram = cpu->ram;
    const uint8_t *const flash = cpu->flash, *code;
    cpu->asked = 0;
elsewhere:
    code = code_at(cpu, pc, &at, &span);
    if (!code) goto out;
    NEXT(0);

movs_register: SET(D, M);
lsl: c = M >> (32 - FIVE) & 1; SET(D, M << FIVE);
lsr: c = M >> (FIVE - 1) & 1; SET(D, M >> FIVE);
lsr_32: c = M >> 31; SET(D, 0);
asr: c = M >> (FIVE - 1) & 1; SET(D, (uint32_t)((int32_t)M >> FIVE));
asr_32: c = M >> 31; SET(D, (uint32_t)((int32_t)M >> 31));
add_register: ADD(D, M, r[op >> 6 & 7], 0);
sub_register: SUB(D, M, r[op >> 6 & 7]);
add_3: ADD(D, M, op >> 6 & 7, 0);
sub_3: SUB(D, M, op >> 6 & 7);
mov_8: SET(N8, op & 0xFF);
cmp_8: SUB(y, N8, op & 0xFF);
add_8: ADD(N8, N8, op & 0xFF, 0);
sub_8: SUB(N8, N8, op & 0xFF);

and: SET(D, D & M);
eor: SET(D, D ^ M);
lsl_by:
    s = M & 0xFF;
    if (s) c = s <= 32 ? D >> (32 - s) & 1 : 0;
    SET(D, s < 32 ? D << s : 0);
lsr_by:
    s = M & 0xFF;
    if (s) c = s <= 32 ? D >> (s - 1) & 1 : 0;
    SET(D, s < 32 ? D >> s : 0);
asr_by:
    s = M & 0xFF;
    if (s) c = s < 32 ? D >> (s - 1) & 1 : D >> 31;
    SET(D, (uint32_t)((int32_t)D >> (s < 32 ? s : 31)));
adc: ADD(D, D, M, c);
sbc: ADD(D, D, ~M, c);
ror_by:
    s = M & 0xFF;
    x = s & 31 ? D >> (s & 31) | D << (32 - (s & 31)) : D;
    if (s) c = x >> 31;
    SET(D, x);
tst: SET(y, D & M);
neg: SUB(D, 0, M);
cmp: SUB(y, D, M);
cmn: ADD(y, D, M, 0);
orr: SET(D, D | M);
mul: SET(D, D * M);
bic: SET(D, D & ~M);
mvn: SET(D, ~M);

high_cmp:
    a = (op >> 4 & 8) | (op & 7); s = op >> 3 & 15;
    if (a == 15 || s == 15) goto core;
    SUB(y, r[a], r[s]);
high_add: high_mov:
    a = (op >> 4 & 8) | (op & 7); s = op >> 3 & 15;
    x = s == 15 ? pc + 2 : r[s];
    if (!(op & 0x200)) x += a == 15 ? pc + 2 : r[a];
    if (a == 15) { pc = x & ~1u; NEXT(2); }
    r[a] = a == 13 ? x & ~3u : x;
    NEXT(1);
bx: /* and BLX */
    s = op >> 3 & 15; x = r[s];
    if (op & 7 || s == 15 || (!(op & 0x80) && x >> 28 == 0xF)) goto core; /* may be the return from an exception */
    if (op & 0x80) r[14] = pc | 1;
    pc = x & ~1u;
    NEXT(2);

ldr_literal: t = &N8; LOAD(((pc + 2) & ~3u) + ((op & 0xFF) << 2), 4, 4, get32);
ldr_register: t = &D; LOAD(M + r[op >> 6 & 7], 4, 4, get32);
ldrh_register: t = &D; LOAD(M + r[op >> 6 & 7], 2, 5, get16);
ldrb_register: t = &D; LOAD(M + r[op >> 6 & 7], 1, 6, GET8);
ldrsb_register: t = &D; LOAD(M + r[op >> 6 & 7], 1, 3, GETS8);
ldrsh_register: t = &D; LOAD(M + r[op >> 6 & 7], 2, 7, GETS16);
ldr: t = &D; LOAD(M + (FIVE << 2), 4, 4, get32);
ldrh: t = &D; LOAD(M + (FIVE << 1), 2, 5, get16);
ldrb: t = &D; LOAD(M + FIVE, 1, 6, GET8);
ldr_sp: t = &N8; LOAD(r[13] + ((op & 0xFF) << 2), 4, 4, get32);
str_register: t = &D; STORE(M + r[op >> 6 & 7], 4, 0, put32);
strh_register: t = &D; STORE(M + r[op >> 6 & 7], 2, 1, PUT16);
strb_register: t = &D; STORE(M + r[op >> 6 & 7], 1, 2, PUT8);
str: t = &D; STORE(M + (FIVE << 2), 4, 0, put32);
strh: t = &D; STORE(M + (FIVE << 1), 2, 1, PUT16);
strb: t = &D; STORE(M + FIVE, 1, 2, PUT8);
str_sp: t = &N8; STORE(r[13] + ((op & 0xFF) << 2), 4, 0, put32);
slow:
    cycles = transfer(cpu, (uint32_t)(all - left), kind, t, a);
    if (!cycles) goto core;
    NEXT(cycles);

adr: N8 = ((pc + 2) & ~3u) + ((op & 0xFF) << 2); NEXT(1);
add_sp: N8 = r[13] + ((op & 0xFF) << 2); NEXT(1);
other:
    if (!misc(cpu, op)) goto core;
    NEXT(1);
many:
    cycles = multiple(cpu, op);
    if (!cycles) goto core;
    NEXT(cycles);
pop_pc:
    cycles = multiple(cpu, op);
    if (!cycles) goto core;
    pc = r[15];
    NEXT(cycles);

beq: BRANCH_IF((uint32_t)nz == 0);
bne: BRANCH_IF((uint32_t)nz != 0);
bcs: BRANCH_IF(c);
bcc: BRANCH_IF(!c);
bmi: BRANCH_IF(nz < 0);
bpl: BRANCH_IF(nz >= 0);
bvs: BRANCH_IF(v >> 31);
bvc: BRANCH_IF(!(v >> 31));
bhi: BRANCH_IF(c && (uint32_t)nz != 0);
bls: BRANCH_IF(!c || (uint32_t)nz == 0);
bge: BRANCH_IF((int32_t)((uint32_t)(nz >> 32) ^ v) >= 0);
blt: BRANCH_IF((int32_t)((uint32_t)(nz >> 32) ^ v) < 0);
bgt: BRANCH_IF((uint32_t)nz != 0 && (int32_t)((uint32_t)(nz >> 32) ^ v) >= 0);
ble: BRANCH_IF((uint32_t)nz == 0 || (int32_t)((uint32_t)(nz >> 32) ^ v) < 0);
b: pc += 2 + (uint32_t)((int32_t)(op << 21) >> 20); NEXT(2);
two_words:
    y = get16(code + (pc - at));
    if ((y & 0xD000) == 0xD000) { /* BL */
        s = op >> 10 & 1;
        r[14] = (pc + 2) | 1;
        pc += 2 + (s * 0xFF000000u | (1 ^ s ^ (y >> 13 & 1)) << 23 | (1 ^ s ^ (y >> 11 & 1)) << 22 | (op & 0x3FF) << 12 | (y & 0x7FF) << 1);
        NEXT(3);
    }
    if (!wide(cpu, op, y)) goto core;
    pc += 2;
    NEXT(3);

core: /* this instruction is not for here */
    pc -= 2;
out:
    r[15] = pc;
    cpu->n = nz < 0;
    cpu->z = (uint32_t)nz == 0;
    cpu->c = c;
    cpu->v = v >> 31;
    cpu->left_to_core = left > 0 && !cpu->asked;
    return (uint32_t)(all - left);
}
