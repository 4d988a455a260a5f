/* Driver of cores by hdlgen behind a bus: see hdlgen_core.h.
 *
 * SPDX-License-Identifier: Apache-2.0
 */
#include "hdlgen_core.h"

#include "hdlgen_registers.h"

#define PATIENCE 10000000u
#define VERSION 1u
#define COMPLETE 0x400u /* bits of LOAD_STATE, where it stands in STATUS */
#define IMAGE_ERROR 0x800u
#define GENERATION 0xe000u

enum { BEGIN = 0, COMMIT = 2 };

#ifndef HDLGEN_OWN_ACCESS
static uint32_t hdlgen_read(uintptr_t address)
{
    return *(volatile uint32_t *)address;
}

static void hdlgen_write(uintptr_t address, uint32_t value)
{
    *(volatile uint32_t *)address = value;
}
#endif

/* The integer nearest to `step`, from `low` to `high`; halves as `rounding` says. */
static int32_t nearest(double step, int32_t low, int32_t high, int rounding)
{
    int32_t below;
    double rest;
    int up;

    if (step <= (double)low)
        return low;
    if (step >= (double)high)
        return high;
    below = (int32_t)step;
    if ((double)below > step)
        below--;
    rest = step - (double)below;
    if (rounding == HDLGEN_EVEN)
        up = below % 2 != 0;
    else if (rounding == HDLGEN_ODD)
        up = below % 2 == 0;
    else
        up = rounding == HDLGEN_UP;
    return rest > 0.5 || (rest == 0.5 && up) ? below + 1 : below;
}

int hdlgen_quantise(const struct hdlgen_meaning *meaning, const double *numbers, void *frame)
{
    uint8_t *to = frame;
    uint32_t place, byte;

    for (place = 0; place < meaning->inputs; place++) {
        double offset = meaning->offsets[meaning->offset_count > 1 ? place : 0];
        double scale = meaning->scales[meaning->scale_count > 1 ? place : 0];
        uint32_t code;

        if (!(numbers[place] - numbers[place] == 0.0))
            return HDLGEN_NUMBER;
        code = (uint32_t)nearest((numbers[place] - offset) / scale, meaning->low, meaning->high, meaning->rounding);
        for (byte = 0; byte < meaning->bytes; byte++)
            *to++ = (uint8_t)(code >> (8 * byte));
    }
    return HDLGEN_OK;
}

static uint32_t get(const struct hdlgen_core *core, uint32_t offset)
{
    return hdlgen_read(core->base + offset);
}

static void set(const struct hdlgen_core *core, uint32_t offset, uint32_t value)
{
    hdlgen_write(core->base + offset, value);
}

static void control(struct hdlgen_core *core, uint32_t bit, int on)
{
    core->control = on ? core->control | bit : core->control & ~bit;
    set(core, HDLGEN_CONTROL, core->control);
}

/* Until the bits of STATUS in `mask` are something else than `value`. */
static int await_other(const struct hdlgen_core *core, uint32_t mask, uint32_t value)
{
    uint32_t polls;

    for (polls = 0; polls < core->patience; polls++) {
        uint32_t status = get(core, HDLGEN_STATUS);
        if (status & HDLGEN_STATUS_ERROR)
            return HDLGEN_LOST;
        if ((status & mask) != value)
            return HDLGEN_OK;
    }
    return HDLGEN_LATE;
}

/* Until one of them is 1. */
static int await(const struct hdlgen_core *core, uint32_t mask)
{
    return await_other(core, mask, 0);
}

/* One word, when there is room for it. */
static int send_word(const struct hdlgen_core *core, uint32_t offset, uint32_t value)
{
    int found = await(core, HDLGEN_STATUS_READY);

    if (found == HDLGEN_OK)
        set(core, offset, value);
    return found;
}

/* `bytes` and zeros behind them, as `words` words. */
static int send(const struct hdlgen_core *core, uint32_t offset, const uint8_t *data, size_t bytes, size_t words)
{
    size_t word, byte;

    for (word = 0; word < words; word++, data += 4) {
        uint32_t value = 0;
        int found;

        if (4 * word + 4 <= bytes)
            value = data[0] | (uint32_t)data[1] << 8 | (uint32_t)data[2] << 16 | (uint32_t)data[3] << 24;
        else
            for (byte = 0; 4 * word + byte < bytes; byte++)
                value |= (uint32_t)data[byte] << (8 * byte);
        found = send_word(core, offset, value);
        if (found != HDLGEN_OK)
            return found;
    }
    return HDLGEN_OK;
}

int hdlgen_open(struct hdlgen_core *core, uintptr_t base, uint32_t network)
{
    core->base = base;
    core->patience = PATIENCE;
    core->control = 0;
    if (get(core, HDLGEN_ID) != HDLGEN_ID_VALUE)
        return HDLGEN_ABSENT;
    core->features = get(core, HDLGEN_FEATURES);
    if ((core->features & HDLGEN_FEATURES_VERSION) < VERSION)
        return HDLGEN_ABSENT;
    if (network != 0 && get(core, HDLGEN_NETWORK) != network)
        return HDLGEN_OTHER;
    core->words = get(core, HDLGEN_WORDS);
    core->results = get(core, HDLGEN_RESULTS);
    hdlgen_reset(core);
    return HDLGEN_OK;
}

void hdlgen_reset(struct hdlgen_core *core)
{
    set(core, HDLGEN_CONTROL, core->control | HDLGEN_CONTROL_RESET);
}

static int put(struct hdlgen_core *core, const void *frame, size_t bytes)
{
    size_t beat = (core->features & HDLGEN_FEATURES_BEAT_BYTES) >> HDLGEN_FEATURES_BEAT_BYTES_SHIFT;
    size_t room = 4 * (size_t)core->words;

    if (bytes > room || room - bytes >= (beat > 4 ? beat : 4))
        return HDLGEN_SIZE;
    return send(core, HDLGEN_DATA, (const uint8_t *)frame, bytes, core->words);
}

int hdlgen_put(struct hdlgen_core *core, const void *frame, size_t bytes)
{
    if (core->features & HDLGEN_FEATURES_SEQUENCES)
        return HDLGEN_UNABLE;
    return put(core, frame, bytes);
}

int hdlgen_put_step(struct hdlgen_core *core, const void *frame, size_t bytes, int last)
{
    if (!(core->features & HDLGEN_FEATURES_SEQUENCES))
        return HDLGEN_UNABLE;
    control(core, HDLGEN_CONTROL_END, last);
    return put(core, frame, bytes);
}

static int64_t joined(uint32_t low, uint32_t high)
{
    uint64_t value = (uint64_t)high << 32 | low;

    return value >> 63 ? -(int64_t)(~value) - 1 : (int64_t)value;
}

/* A value of one word or two, at `low` and `high`. The upper one is read first: reading RESULT takes it. */
static int64_t value_at(const struct hdlgen_core *core, uint32_t low, uint32_t high)
{
    uint32_t upper, lower;

    if (core->features & HDLGEN_FEATURES_WIDE) {
        upper = get(core, high);
        return joined(get(core, low), upper);
    }
    lower = get(core, low);
    return joined(lower, lower >> 31 ? 0xffffffffu : 0);
}

static void finish(const struct hdlgen_core *core, struct hdlgen_answer *answer)
{
    if (answer != NULL) {
        answer->number = get(core, HDLGEN_CLASS);
        answer->score = value_at(core, HDLGEN_SCORE, HDLGEN_SCORE_HIGH);
        answer->cycles = get(core, HDLGEN_CYCLES);
    }
    set(core, HDLGEN_STATUS, HDLGEN_STATUS_DONE);
}

int hdlgen_classify(struct hdlgen_core *core, struct hdlgen_answer *answer)
{
    int found;

    control(core, HDLGEN_CONTROL_CLASSIFY, 1);
    found = await(core, HDLGEN_STATUS_DONE);
    /* Before the next frame's results may come. */
    control(core, HDLGEN_CONTROL_CLASSIFY, 0);
    if (found == HDLGEN_OK)
        finish(core, answer);
    return found;
}

int hdlgen_results(struct hdlgen_core *core, int64_t *results, size_t count, struct hdlgen_answer *answer)
{
    size_t number;

    if (count != core->results)
        return HDLGEN_SIZE;
    for (number = 0; number < count; number++) {
        int found = await(core, HDLGEN_STATUS_RESULT);
        if (found != HDLGEN_OK)
            return found;
        results[number] = value_at(core, HDLGEN_RESULT, HDLGEN_RESULT_HIGH);
    }
    if (!(get(core, HDLGEN_STATUS) & HDLGEN_STATUS_DONE))
        return HDLGEN_LOST;
    finish(core, answer);
    return HDLGEN_OK;
}

int hdlgen_ready(const struct hdlgen_core *core)
{
    return (get(core, HDLGEN_STATUS) & (HDLGEN_STATUS_RESULT | HDLGEN_STATUS_DONE)) != 0;
}

void hdlgen_interrupt(struct hdlgen_core *core, int on)
{
    control(core, HDLGEN_CONTROL_INTERRUPT, on);
}

int hdlgen_load(struct hdlgen_core *core, const uint8_t *image, size_t bytes)
{
    size_t beat = (core->features & HDLGEN_FEATURES_BEAT_BYTES) >> HDLGEN_FEATURES_BEAT_BYTES_SHIFT;
    size_t step = beat > 4 ? beat : 4;
    uint32_t before;
    int found;

    if (!(core->features & HDLGEN_FEATURES_LOAD))
        return HDLGEN_UNABLE;
    found = send_word(core, HDLGEN_LOAD_COMMAND, BEGIN);
    if (found == HDLGEN_OK)
        found = send(core, HDLGEN_LOAD_DATA, image, bytes, (bytes + step - 1) / step * (step / 4));
    if (found == HDLGEN_OK)
        found = await(core, COMPLETE | IMAGE_ERROR);
    if (found != HDLGEN_OK)
        return found;
    before = get(core, HDLGEN_STATUS);
    if (before & IMAGE_ERROR)
        return HDLGEN_IMAGE;
    found = send_word(core, HDLGEN_LOAD_COMMAND, COMMIT);
    /* In force as soon as no frame is on its way. */
    return found == HDLGEN_OK ? await_other(core, GENERATION, before & GENERATION) : found;
}
