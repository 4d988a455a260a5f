/* Driver of cores by hdlgen behind a bus (docs/bus.md). C99, no allocation, no libraries.
 *
 * Every wait is bounded: what takes longer than the `patience` of the core, in polls, ends with HDLGEN_LATE.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#ifndef HDLGEN_CORE_H
#define HDLGEN_CORE_H

#include <stddef.h>
#include <stdint.h>

/* What the functions return; answers that are not HDLGEN_OK are negative. */
enum {
    HDLGEN_OK = 0,
    HDLGEN_ABSENT = -1,   /* there is no core at this address, or one with another map of registers */
    HDLGEN_OTHER = -2,    /* it computes another network */
    HDLGEN_SIZE = -3,     /* a frame or an array has the wrong size */
    HDLGEN_LATE = -4,     /* patience ran out */
    HDLGEN_LOST = -5,     /* the core could not take what was written: reset it */
    HDLGEN_UNABLE = -6,   /* the core has no load port, or is none of sequences */
    HDLGEN_IMAGE = -7,    /* the image of weights is not right */
    HDLGEN_NUMBER = -8    /* a number is not finite */
};

/* Where halves go when real numbers become integers. */
enum { HDLGEN_EVEN, HDLGEN_ODD, HDLGEN_UP, HDLGEN_DOWN };

/* What the integers of a frame stand for: TOP_MEANING of hdlgen_meaning.h, of arrays with TOP_SCALES and TOP_OFFSETS. */
struct hdlgen_meaning {
    const double *scales;   /* integer q of an input stands for q * scale + offset */
    const double *offsets;
    uint32_t inputs;
    uint32_t scale_count;   /* one for all inputs, or one for each */
    uint32_t offset_count;
    uint32_t bytes;         /* of an element of a frame */
    int32_t low;            /* the least integer that a number becomes, and the greatest */
    int32_t high;
    int rounding;
};

struct hdlgen_core {
    uintptr_t base;     /* address of the registers */
    uint32_t patience;  /* polls that anything may take */
    uint32_t words;     /* of 32 bits in a frame */
    uint32_t results;   /* of a frame */
    uint32_t features;  /* HDLGEN_FEATURES */
    uint32_t control;   /* what HDLGEN_CONTROL holds */
};

struct hdlgen_answer {
    uint32_t number;  /* the class: of the greatest result, the first of equal ones */
    int64_t score;    /* that result */
    uint32_t cycles;  /* as HDLGEN_CYCLES says */
};

/* How registers are reached. By default memory is read and written; with HDLGEN_OWN_ACCESS you define these two. */
#ifdef HDLGEN_OWN_ACCESS
uint32_t hdlgen_read(uintptr_t address);
void hdlgen_write(uintptr_t address, uint32_t value);
#endif

/* Find the core at `base` and reset it. `network` is TOP_NETWORK of hdlgen_registers.h, or 0 for any. */
int hdlgen_open(struct hdlgen_core *core, uintptr_t base, uint32_t network);

/* Forget all frames on their way. */
void hdlgen_reset(struct hdlgen_core *core);

/* Make a frame of real numbers, one for each input: the integers nearest to them. `frame` has room for all elements. */
int hdlgen_quantise(const struct hdlgen_meaning *meaning, const double *numbers, void *frame);

/* Send a frame: its elements one after the other, little end first, as they lie in an array of uint8_t or uint16_t on a
 * little-endian processor. */
int hdlgen_put(struct hdlgen_core *core, const void *frame, size_t bytes);

/* The same, for a core of sequences: `last` says that this is the last step of one. */
int hdlgen_put_step(struct hdlgen_core *core, const void *frame, size_t bytes, int last);

/* Wait for the answer to a frame; only its class and score are kept. */
int hdlgen_classify(struct hdlgen_core *core, struct hdlgen_answer *answer);

/* Wait for the answer to a frame: all `count` results. `answer` may be NULL. */
int hdlgen_results(struct hdlgen_core *core, int64_t *results, size_t count, struct hdlgen_answer *answer);

/* Whether hdlgen_classify would not have to wait long, or hdlgen_results: some result of a frame is there. */
int hdlgen_ready(const struct hdlgen_core *core);

/* Switch the interrupt of the core on or off: it is high while a result is there. */
void hdlgen_interrupt(struct hdlgen_core *core, int on);

/* Load weights: the bytes of images/TOP.bin of a design (docs/weights.md). They are in force when this returns HDLGEN_OK. */
int hdlgen_load(struct hdlgen_core *core, const uint8_t *image, size_t bytes);

#endif
