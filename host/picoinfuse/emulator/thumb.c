/* Thumb instructions of the emulated Pico that only compute, executed quickly.
 *
 * Runs from `pc` until `budget` cycles are used, or until an instruction comes that does more than compute: one that touches a peripheral,
 * changes mode, waits, or is not known here. That one is not executed; rp2040py's own core does it, with all that it means, and the run goes on behind
 * it. Registers and memory are rp2040py's own; only the flags are kept here meanwhile. Cycles are counted as rp2040py counts them.
 *
 * Of the peripherals only SIO's divider, spinlocks and CPUID are here: MicroPython divides 70,000 times a second to look up names.
 * What they hold is here alone: rp2040py's SIO asks here too (sio.py), so that a division may be begun by one core and ended by the other.
 */
#include <stdint.h>
#include <string.h>

typedef struct {
    uint32_t *r;
    uint8_t *rom, *flash, *ram;
    uint32_t n, z, c, v;
    uint32_t dividend, divisor, quotient, remainder, csr, spinlocks;
    uint32_t masked;         /* PRIMASK */
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

static inline void nz(cpu_t *cpu, uint32_t x) { cpu->n = x >> 31; cpu->z = x == 0; }

static inline uint32_t add(cpu_t *cpu, uint32_t a, uint32_t b, uint32_t carry) {
    uint64_t wide = (uint64_t)a + b + carry;
    uint32_t sum = (uint32_t)wide;
    cpu->c = (uint32_t)(wide >> 32);
    cpu->v = ((a ^ sum) & (b ^ sum)) >> 31;
    nz(cpu, sum);
    return sum;
}

static inline int passes(const cpu_t *cpu, uint32_t cond) {
    int yes;
    switch (cond >> 1) {
    case 0: yes = cpu->z; break;
    case 1: yes = cpu->c; break;
    case 2: yes = cpu->n; break;
    case 3: yes = cpu->v; break;
    case 4: yes = cpu->c && !cpu->z; break;
    case 5: yes = cpu->n == cpu->v; break;
    default: yes = cpu->n == cpu->v && !cpu->z; break;
    }
    return yes ^ (cond & 1);
}

/* 010000: register to register. Returns 0 for what is not known. */
static void alu(cpu_t *cpu, uint32_t op) {
    uint32_t *r = cpu->r, *d = &r[op & 7], m = r[(op >> 3) & 7], x = *d, s = m & 0xFF;
    switch ((op >> 6) & 15) {
    case 0: *d = x & m; nz(cpu, *d); break;
    case 1: *d = x ^ m; nz(cpu, *d); break;
    case 2:
        if (s) cpu->c = s <= 32 ? (x >> (32 - s)) & 1 : 0;
        *d = s < 32 ? x << s : 0; nz(cpu, *d); break;
    case 3:
        if (s) cpu->c = s <= 32 ? (x >> (s - 1)) & 1 : 0;
        *d = s < 32 ? x >> s : 0; nz(cpu, *d); break;
    case 4:
        if (s) cpu->c = s < 32 ? (x >> (s - 1)) & 1 : x >> 31;
        *d = (uint32_t)((int32_t)x >> (s < 32 ? s : 31)); nz(cpu, *d); break;
    case 5: *d = add(cpu, x, m, cpu->c); break;
    case 6: *d = add(cpu, x, ~m, cpu->c); break;
    case 7:
        if (s & 31) *d = x >> (s & 31) | x << (32 - (s & 31));
        if (s) cpu->c = *d >> 31;
        nz(cpu, *d); break;
    case 8: nz(cpu, x & m); break;
    case 9: *d = add(cpu, 0, ~m, 1); break;
    case 10: add(cpu, x, ~m, 1); break;
    case 11: add(cpu, x, m, 0); break;
    case 12: *d = x | m; nz(cpu, *d); break;
    case 13: *d = x * m; nz(cpu, *d); break;
    case 14: *d = x & ~m; nz(cpu, *d); break;
    case 15: *d = ~m; nz(cpu, *d); break;
    }
}

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
static uint32_t transfer(cpu_t *cpu, uint32_t used, uint32_t kind, uint32_t t, uint32_t a) {
    static const uint8_t size[8] = {4, 2, 1, 1, 4, 2, 1, 2};
    uint32_t *r = cpu->r, bytes = size[kind];
    uint8_t *p;
    if (a & (bytes - 1)) return 0;
    if (kind < 3) {
        p = writable(cpu, a, bytes);
        if (!p) return bytes == 4 && a >> 28 == 0xD && sio_write(cpu, a, r[t]) ? 1 : 0;
        if (bytes == 4) put32(p, r[t]);
        else if (bytes == 2) put16(p, (uint16_t)r[t]);
        else *p = (uint8_t)r[t];
        return 2;
    }
    p = readable(cpu, a, bytes);
    if (!p && a == SIO) { r[t] = 0; return 1; } /* CPUID, which the SDK reads as a byte */
    if (!p) return bytes == 4 ? peripheral_read(cpu, a, used, &r[t]) : 0;
    switch (kind) {
    case 3: r[t] = (uint32_t)(int8_t)*p; break;
    case 4: r[t] = get32(p); break;
    case 5: r[t] = get16(p); break;
    case 6: r[t] = *p; break;
    case 7: r[t] = (uint32_t)(int16_t)get16(p); break;
    }
    return 2;
}

/* PUSH, POP, STM, LDM. Cycles, or 0 when it is not for here. */
static uint32_t multiple(cpu_t *cpu, uint32_t op) {
    uint32_t *r = cpu->r, list = op & 0xFF, count = (uint32_t)__builtin_popcount(list), i, a;
    uint8_t *p;
    switch (op >> 9) {
    case 0x5A: { /* PUSH */
        uint32_t lr = (op >> 8) & 1, bytes = 4 * (count + lr);
        a = r[13] - bytes;
        if (a & 3 || !(p = writable(cpu, a, bytes))) return 0;
        for (i = 0; i < 8; i++) if (list >> i & 1) { put32(p, r[i]); p += 4; }
        if (lr) put32(p, r[14]);
        r[13] = a & ~3u;
        return 1 + count; /* rp2040py counts none for LR */
    }
    case 0x5E: { /* POP */
        uint32_t pc = (op >> 8) & 1, bytes = 4 * (count + pc);
        a = r[13];
        if (a & 3 || !(p = readable(cpu, a, bytes))) return 0;
        if (pc && get32(p + 4 * count) >> 28 == 0xF) return 0; /* may be the return from an exception */
        for (i = 0; i < 8; i++) if (list >> i & 1) { r[i] = get32(p); p += 4; }
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
        for (i = 0; i < 8; i++) if (list >> i & 1) { put32(p, r[i]); p += 4; }
    } else {
        if (!(p = readable(cpu, a, 4 * count))) return 0;
        for (i = 0; i < 8; i++) if (list >> i & 1) { r[i] = get32(p); p += 4; }
    }
    if (!(list >> b & 1)) r[b] = a + 4 * count;
    return 1 + count;
}

/* 010001: high registers, BX, BLX. */
static uint32_t high(cpu_t *cpu, uint32_t op, uint32_t next) {
    uint32_t *r = cpu->r, m = (op >> 3) & 15, d = (op >> 4 & 8) | (op & 7);
    uint32_t right = m == 15 ? next + 2 : r[m], left = d == 15 ? next + 2 : r[d];
    switch (op >> 8 & 3) {
    case 0: right += left; break;
    case 1: add(cpu, r[d], ~r[m], 1); return 1;
    case 2: break;
    case 3:
        if (op & 7 || m == 15 || (!(op & 0x80) && right >> 28 == 0xF)) return 0;
        if (op & 0x80) r[14] = next | 1;
        r[15] = right & ~1u;
        return 2;
    }
    r[d] = d == 15 ? right & ~1u : d == 13 ? right & ~3u : right;
    return d == 15 ? 2 : 1;
}

/* 1011: stack pointer, extension, byte order. */
static uint32_t misc(cpu_t *cpu, uint32_t op) {
    uint32_t *r = cpu->r, *d = &r[op & 7], m = r[(op >> 3) & 7];
    if (op >> 9 == 0x5A || op >> 9 == 0x5E) return multiple(cpu, op);
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
    if (op == 0xB672) { cpu->masked = 1; return 1; } /* CPSID; CPSIE may let an interrupt in */
    return op == 0xBF00; /* NOP */
}

/* 11110: BL, barriers, and MRS of PRIMASK; the others of two words are for the core. */
static uint32_t wide(cpu_t *cpu, uint32_t op, uint32_t op2, uint32_t next) {
    uint32_t *r = cpu->r, sign = op >> 10 & 1;
    if ((op2 & 0xD000) == 0xD000) {
        uint32_t i1 = 1 ^ sign ^ (op2 >> 13 & 1), i2 = 1 ^ sign ^ (op2 >> 11 & 1);
        r[14] = (next + 2) | 1;
        r[15] = next + 2 + (sign * 0xFF000000u | i1 << 23 | i2 << 22 | (op & 0x3FF) << 12 | (op2 & 0x7FF) << 1);
        return 3;
    }
    if (op == 0xF3EF && (op2 & 0xF0FF) == 0x8010) r[op2 >> 8 & 15] = cpu->masked;
    else if (op != 0xF3BF || op2 < 0x8F40 || op2 > 0x8F6F) return 0;
    r[15] = next + 2;
    return 3;
}

/* Cycles that were used; at least one instruction is tried. */
uint32_t thumb_run(cpu_t *cpu, uint32_t budget) {
    uint32_t *r = cpu->r, used = 0;
    cpu->asked = 0;
    while (used < budget) {
        uint32_t pc = r[15] & ~1u, next = pc + 2, op, cycles = 1, x, s; /* rp2040py leaves bit 0 of a vector in the PC */
        uint8_t *code = readable(cpu, pc, 4);
        if (!code) break;
        op = get16(code);
        r[15] = next;
        switch (op >> 11) {
        case 0: /* LSL */
            x = r[op >> 3 & 7]; s = op >> 6 & 31;
            if (s) cpu->c = x >> (32 - s) & 1;
            nz(cpu, r[op & 7] = x << s); break;
        case 1: /* LSR */
            x = r[op >> 3 & 7]; s = op >> 6 & 31;
            cpu->c = s ? x >> (s - 1) & 1 : x >> 31;
            nz(cpu, r[op & 7] = s ? x >> s : 0); break;
        case 2: /* ASR */
            x = r[op >> 3 & 7]; s = op >> 6 & 31;
            cpu->c = s ? x >> (s - 1) & 1 : x >> 31;
            nz(cpu, r[op & 7] = (uint32_t)((int32_t)x >> (s ? s : 31))); break;
        case 3:
            x = op & 0x400 ? op >> 6 & 7 : r[op >> 6 & 7];
            r[op & 7] = op & 0x200 ? add(cpu, r[op >> 3 & 7], ~x, 1) : add(cpu, r[op >> 3 & 7], x, 0);
            break;
        case 4: nz(cpu, r[op >> 8 & 7] = op & 0xFF); break;
        case 5: add(cpu, r[op >> 8 & 7], ~(op & 0xFF), 1); break;
        case 6: r[op >> 8 & 7] = add(cpu, r[op >> 8 & 7], op & 0xFF, 0); break;
        case 7: r[op >> 8 & 7] = add(cpu, r[op >> 8 & 7], ~(op & 0xFF), 1); break;
        case 8:
            if (op & 0x400) cycles = high(cpu, op, next);
            else alu(cpu, op);
            break;
        case 9: cycles = transfer(cpu, used, 4, op >> 8 & 7, ((next + 2) & ~3u) + ((op & 0xFF) << 2)); break;
        case 10: case 11:
            cycles = transfer(cpu, used, op >> 9 & 7, op & 7, r[op >> 3 & 7] + r[op >> 6 & 7]); break;
        case 12: cycles = transfer(cpu, used, 0, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 2)); break;
        case 13: cycles = transfer(cpu, used, 4, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 2)); break;
        case 14: cycles = transfer(cpu, used, 2, op & 7, r[op >> 3 & 7] + (op >> 6 & 31)); break;
        case 15: cycles = transfer(cpu, used, 6, op & 7, r[op >> 3 & 7] + (op >> 6 & 31)); break;
        case 16: cycles = transfer(cpu, used, 1, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 1)); break;
        case 17: cycles = transfer(cpu, used, 5, op & 7, r[op >> 3 & 7] + ((op >> 6 & 31) << 1)); break;
        case 18: cycles = transfer(cpu, used, 0, op >> 8 & 7, r[13] + ((op & 0xFF) << 2)); break;
        case 19: cycles = transfer(cpu, used, 4, op >> 8 & 7, r[13] + ((op & 0xFF) << 2)); break;
        case 20: r[op >> 8 & 7] = (pc & ~3u) + 4 + ((op & 0xFF) << 2); break;
        case 21: r[op >> 8 & 7] = r[13] + ((op & 0xFF) << 2); break;
        case 22: case 23: cycles = misc(cpu, op); break;
        case 24: case 25: cycles = multiple(cpu, op); break;
        case 26: case 27:
            if ((op >> 9 & 7) == 7) { cycles = 0; break; } /* UDF, SVC */
            if (passes(cpu, op >> 8 & 15)) {
                r[15] = next + 2 + (uint32_t)((int32_t)(int8_t)op * 2);
                cycles = 2;
            }
            break;
        case 28: r[15] = next + 2 + (uint32_t)((int32_t)(op << 21) >> 20); cycles = 2; break;
        case 30: cycles = wide(cpu, op, get16(code + 2), next); break;
        default: cycles = 0;
        }
        if (!cycles) {
            r[15] = pc;
            break;
        }
        used += cycles;
    }
    cpu->left_to_core = used < budget && !cpu->asked;
    return used;
}
