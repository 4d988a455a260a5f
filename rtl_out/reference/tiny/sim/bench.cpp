// Test bench of one emitted core for many frames: what test_core.py checks at full speed, with gaps and with back-pressure,
// without Python in every cycle. test_core.py builds it against the model of its own that Verilator has made, writes what is
// to be sent, and reads what was found; scenarios have the same names and the same checks in both.
//
//     bench FOLDER SEED
//
// FOLDER has core.hpp, what the manifest says, and in binary, little end first: `inputs`, a step below the other, each element
// in its bytes; `lengths` (int64), steps of each sequence (1 where there are none); `answers` (int64), rows of results; `image`,
// of the weights. It gets `records`, a line of JSON for each scenario, and `outputs` (int64), the results at full speed.
// HDLGEN_PROGRESS: as in test_core.py. Exit status 0 where all scenarios passed, 1 where not.
#include "core.hpp"
#include <algorithm>
#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <fstream>
#include <functional>
#include <iterator>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#if FLASH_PINS
#define FLASH 0x123000
#define FLASH_QUAD 0x3102
#include "flash.hpp"
#endif

using std::string;
using std::to_string;
using Clock = std::chrono::steady_clock;

// The core did something that its contract does not allow.
struct Fault : std::runtime_error {
    using std::runtime_error::runtime_error;
};

template <class T> std::vector<T> read_file(const string &name) {
    std::ifstream file(name, std::ios::binary);
    const std::vector<char> bytes((std::istreambuf_iterator<char>(file)), {});
    if (!file) throw std::runtime_error("cannot read " + name);
    std::vector<T> values(bytes.size() / sizeof(T));
    if (!values.empty()) memcpy(values.data(), bytes.data(), values.size() * sizeof(T));
    return values;
}

// Lines for whoever watches the progress; at most some in a second reach the file.
struct Progress {
    FILE *file = nullptr;
    Clock::time_point told;
    Progress() {
        if (const char *name = getenv("HDLGEN_PROGRESS")) file = fopen(name, "a");
    }
    ~Progress() {
        if (file) fclose(file);
    }
    void say(const string &line, bool now) {
        if (!file) return;
        fprintf(file, "%s\n", line.c_str());
        if (now || Clock::now() - told > std::chrono::milliseconds(100)) {
            fflush(file);
            told = Clock::now();
        }
    }
};

struct Random {
    std::mt19937_64 engine;
    explicit Random(const string &text) {
        std::seed_seq seed(text.begin(), text.end());
        engine.seed(seed);
    }
    long below(long limit) { return engine() % uint64_t(limit); }
    double real() { return (engine() >> 11) * 0x1p-53; }
    void fill(uint8_t *at, long size) {
        for (; size > 0; at += 8, size -= 8) {
            const uint64_t some = engine();
            memcpy(at, &some, std::min(size, 8L));
        }
    }
};

// True in bursts of random length with the given share of cycles; single cycles are as common as long bursts.
struct Bursts {
    double share;
    long longest = 1, left = 0;
    bool state = false;
    bool next(Random &random) {
        if (share <= 0 || share >= 1) return share >= 1;
        if (left == 0) {
            state = random.real() < share;
            left = random.real() < 0.6 ? 1 : 1 + random.below(longest);
        }
        left--;
        return state;
    }
};
const Bursts NEVER{0}, ALWAYS{1};

// One inference on its way: a sequence of steps, each a frame of AXI, or a single one.
struct Frame {
    long number, step, steps, row, rows;  // in the pool; its first step and its first row of answers, and how many of them
    long first_in = -1, last_out = -1;    // cycles of its first input beat and its last result
    std::vector<long> starts;             // cycle of the first beat of each step
};

// All frames and their answers: first those at hand, then a recurrent core's probes.
struct Pool {
    std::vector<uint8_t> inputs;
    std::vector<int64_t> lengths, answers;
    std::vector<Frame> frames;
    std::vector<long> brief, single;
    long longest = 0;

    explicit Pool(const string &folder)
        : inputs(read_file<uint8_t>(folder + "/inputs")), lengths(read_file<int64_t>(folder + "/lengths")),
          answers(read_file<int64_t>(folder + "/answers")) {
        long step = 0, row = 0;
        for (long steps : lengths) {
            const long rows = EVERY_STEP ? steps : 1;
            frames.push_back({long(frames.size()), step, steps, row, rows});
            step += steps, row += rows;
        }
        if (long(inputs.size()) != step * STEP_BYTES || long(answers.size()) != row * OUTPUTS)
            throw std::runtime_error("inputs, lengths and answers do not belong together");
        // Where a scenario wants any sequence, it shall not take all of its time for one.
        const long least = *std::min_element(lengths.begin(), lengths.end());
        const long most = std::max({1L, 4000 / INTERVAL, least});
        for (long number = 0; number < long(frames.size()); number++) {
            if (lengths[number] <= most) brief.push_back(number);
            if (lengths[number] == 1) single.push_back(number);
            if (lengths[number] > lengths[longest]) longest = number;
        }
    }
};

// The core, and what lives as long as it.
struct Core {
    VerilatedContext context;
    Vtop top;
#if FLASH_PINS
    Flash flash;
    Core(int argc, char **argv) : top((context.commandArgs(argc, argv), &context)), flash((string(argv[1]) + "/image").c_str()) {}
#else
    Core(int argc, char **argv) : top((context.commandArgs(argc, argv), &context)) {}
#endif
};

// What has to be done to the ports, and what is seen on them; `cycle` is the only place where time passes. Inputs change while
// the clock falls, everything is sampled just before it rises.
struct Bench {
    Core &core;
    Vtop &top = core.top;
    const Pool &pool;
    Progress &progress;
    Random random;
    long now = 0, moved = 0;  // rising edges so far; the last cycle in which a beat moved
    // s_axis
    std::deque<Frame *> sending;
    std::deque<Frame> frames;
    long step = 0, beat = 0;
    bool offering = false;
    Bursts gap = NEVER;
    // m_axis
    Bursts ready = ALWAYS;
    bool accepting = false, held = false;
    struct Result {
        std::array<uint64_t, RESULTS_PER_BEAT> tdata;
        int tlast, tuser;
        bool operator==(const Result &other) const {
            return tdata == other.tdata && tlast == other.tlast && tuser == other.tuser;
        }
    } waiting_result{};
    std::deque<Frame *> waiting;  // frames that owe results
    long position = 0, done = 0, compared = 0, mismatches = 0;
    string first_mismatch;
    std::vector<int64_t> values;
    // what a scenario found out besides
    long latency = -1;
    std::vector<long> intervals;
#if LOAD_PORT
    const std::vector<uint8_t> *image = nullptr;
    long loaded = 0;  // beats of the image, behind BEGIN
    bool loading = false;
#endif
#if FLASH_PINS
    Flash &flash = core.flash;
    unsigned flash_driven = 15;
#endif

    Bench(Core &core, const Pool &pool, Progress &progress, const string &seed)
        : core(core), pool(pool), progress(progress), random(seed) {}

    // ---- one cycle

    void noise() {
        random.fill(reinterpret_cast<uint8_t *>(&top.s_axis_tdata), BEAT_BYTES);
        const uint64_t bits = random.engine();
        top.s_axis_tlast = bits & 1;
#if SEQUENCES
        top.s_axis_tuser = bits >> 1 & 1;
#endif
#if LOAD_PORT
        if (!loading) {
            top.load_kind = bits >> 2 & 3;
            random.fill(reinterpret_cast<uint8_t *>(&top.load_data), BEAT_BYTES);
        }
#endif
    }

    void offer() {
        if (offering) return;  // not taken yet: hold it
        offering = !sending.empty() && !gap.next(random);
        top.s_axis_tvalid = offering;
        if (!offering || SEQUENCES || beat + 1 == BEATS) noise();  // what means nothing looks like a beat
        if (!offering) return;
        const Frame &frame = *sending.front();
        const uint8_t *from = &pool.inputs[(frame.step + step) * STEP_BYTES + beat * BEAT_BYTES];
        const bool last = beat + 1 == BEATS;
        memcpy(&top.s_axis_tdata, from, last ? STEP_BYTES - beat * BEAT_BYTES : BEAT_BYTES);
        top.s_axis_tlast = last;
#if SEQUENCES
        if (last) top.s_axis_tuser = step + 1 == frame.steps;
#endif
    }

    void taken() {
        Frame &frame = *sending.front();
        if (step == 0 && beat == 0) frame.first_in = now;
        if (beat == 0) frame.starts.push_back(now);
        offering = false;
        if (++beat < BEATS) return;
        beat = 0;
        if (++step < frame.steps) return;
        step = 0;
        sending.pop_front();
    }

    void look_at_results() {
        if (!top.m_axis_tvalid) {
            if (held) throw Fault("m_axis_tvalid fell before m_axis_tready took the beat");
            return;
        }
#if SEQUENCES
        Result offered{{}, top.m_axis_tlast, top.m_axis_tuser};
#else
        Result offered{{}, top.m_axis_tlast, 0};
#endif
        const auto *from = reinterpret_cast<const uint8_t *>(&top.m_axis_tdata);
        for (uint64_t &value : offered.tdata) memcpy(&value, from, OUTPUT_BITS / 8), from += OUTPUT_BITS / 8;
        if (held && !(offered == waiting_result))
            throw Fault(
                "m_axis changed while it waited for m_axis_tready: tdata, tlast, tuser were " + text(waiting_result) +
                ", became " + text(offered));
        moved = now;
        held = !accepting;
        waiting_result = offered;
        if (!accepting) return;
        for (long place = 0; place < RESULTS_PER_BEAT; place++) {
            const bool last = place + 1 == RESULTS_PER_BEAT;  // the flags belong to it
            result(offered.tdata[place], last && offered.tlast, last && offered.tuser);
        }
    }
    static string text(const Result &of) {
        string values;
        for (uint64_t value : of.tdata) values += (values.empty() ? "" : " ") + to_string(value);
        return "(" + values + ", " + to_string(of.tlast) + ", " + to_string(of.tuser) + ")";
    }

    void result(uint64_t tdata, int tlast, int tuser) {
        const int64_t value = int64_t(tdata << (64 - OUTPUT_BITS)) >> (64 - OUTPUT_BITS);
        if (waiting.empty() || waiting.front()->first_in < 0)
            throw Fault("m_axis gave a beat (tdata " + to_string(value) + ") that no frame asked for");
        Frame &frame = *waiting.front();
        const int64_t expected = pool.answers[frame.row * OUTPUTS + position];
        const long place = position % OUTPUTS;
        values.push_back(value);
        compared++;
        if (value != expected && mismatches++ == 0)
            first_mismatch = "frame " + to_string(done) + " (image " + to_string(frame.number) + "), result " +
                             to_string(position) + ": the core says " + to_string(value) + ", the golden model " +
                             to_string(expected);
        position++;
        if (tlast != (place + 1 == OUTPUTS))
            throw Fault(
                "m_axis_tlast is " + to_string(tlast) + " on result " + to_string(place) + " of frame " +
                to_string(done) + "; it belongs on result " + to_string(OUTPUTS - 1) + " only");
        const bool ended = position == frame.rows * OUTPUTS;
        if (SEQUENCES && tuser != ended)
            throw Fault(
                "m_axis_tuser is " + to_string(tuser) + " on result " + to_string(place) + " of sequence " +
                to_string(done) + ", step " + to_string((position - 1) / OUTPUTS) +
                " of those answered; it belongs on the last result of a sequence only");
        if (!ended) return;
        position = 0;
        frame.last_out = now;
        waiting.pop_front();
        done++;
        progress.say("frame", false);
    }

    void cycle() {
        offer();
        accepting = ready.next(random);
        top.m_axis_tready = accepting;
#if LOAD_PORT
        offer_image();
#endif
#if FLASH_PINS
        offer_flash();
#endif
        top.clk = 0;
        top.eval();
#if LOAD_PORT
        if (loading && top.load_ready) loading = false, loaded++;
#endif
#if FLASH_PINS
        look_at_flash();
#endif
        if (top.frame_error) throw Fault("frame_error is high although every tlast was in its place");
        if (top.s_axis_tready && offering) {
            moved = now;
            taken();
        }
        look_at_results();
        rise();
    }
    void rise() {
        top.clk = 1;
        top.eval();
        now++;
    }
    void cycles(long count) {
        while (count-- > 0) cycle();
    }

    void reset(int length) {
        offering = held = false;
        top.rst = 1;
        for (int number = 0; number < length; number++) {
            offer();
            top.m_axis_tready = 1;
#if LOAD_PORT
            top.load_valid = 0;
#endif
#if FLASH_PINS
            offer_flash();
#endif
            top.clk = 0;
            top.eval();
#if FLASH_PINS
            look_at_flash();
#endif
            if (number && top.m_axis_tvalid) throw Fault("m_axis_tvalid is high during reset");
            if (number && top.frame_error) throw Fault("frame_error is high during reset");
            rise();
        }
        top.rst = 0;
    }

    // ---- weights

#if LOAD_PORT
    enum { BEGIN, DATA, COMMIT };
    long image_beats() const { return (long(image->size()) + BEAT_BYTES - 1) / BEAT_BYTES + 2; }
    void offer_image() {
        loading = loading || (image && loaded < image_beats());
        top.load_valid = loading;
        if (!loading) return;
        const long at = (loaded - 1) * BEAT_BYTES;
        top.load_kind = loaded == 0 ? BEGIN : loaded + 1 == image_beats() ? COMMIT : DATA;
        if (top.load_kind == DATA) memcpy(&top.load_data, &(*image)[at], std::min(BEAT_BYTES, long(image->size()) - at));
    }
    void load(const std::vector<uint8_t> &with) {
        image = &with;
        loaded = 0;
        const long limit = now + 100 * long(with.size()) + 4 * (LATENCY + INTERVAL) + 1000;
        while (loaded < image_beats() || !top.load_ready) {
            cycle();
            if (now > limit) throw Fault("the load port does not go on");
        }
        image = nullptr;
        cycles(3);
    }
#endif
#if FLASH_PINS
    void offer_flash() {
        top.flash_address = FLASH;
#if QUAD
        top.flash_quad = FLASH_QUAD;
#endif
        top.flash_i = flash_driven;
    }
    void look_at_flash() {
        const unsigned enabled = top.flash_oe, out = top.flash_o & enabled;
        flash.pins(top.flash_cs_n, top.flash_clk, out & 1);
        const unsigned drives = flash.lines == 1 ? 2 : (1u << flash.lines) - 1;
        if (drives & enabled)
            throw Fault("flash_oe is " + to_string(enabled) + " while the flash drives " + to_string(drives));
        const unsigned data = flash.lines == 1 ? flash.data << 1 : flash.data;
        flash_driven = (data & drives) | (out & ~drives) | (15u & ~drives & ~enabled);
    }
#endif
    // Weights into a core that starts without.
    void fill(const std::vector<uint8_t> &weights) {
#if LOAD_PORT || FLASH_PINS
        if (top.load_state & 1) return;
#if FLASH_PINS
        cycles(START_CYCLES);
#else
        load(weights);
#endif
        uint32_t id;
        memcpy(&id, weights.data() + weights.size() - 4, 4);
        if (!(top.load_state & 1) || top.load_id != id)
            throw Fault(
                "load_state is " + to_string(top.load_state) + " and load_id " + to_string(top.load_id) +
                " after the image of the manifest, which ends with " + to_string(id));
#endif
    }

    // ---- what scenarios are made of

    Frame *send(long number) {
        frames.push_back(pool.frames[number]);
        sending.push_back(&frames.back());
        waiting.push_back(&frames.back());
        return &frames.back();
    }
    // Until everything is sent and every result has come; a core that stops moving is a fault.
    void answered() {
        const long patience = 2 * (LATENCY + INTERVAL) + SLACK + 1000;
        moved = now;
        while (!sending.empty() || !waiting.empty()) {
            cycle();
            if (now - moved > patience)
                throw Fault(
                    "nothing has moved for " + to_string(patience) + " cycles while waiting for results: " +
                    to_string(done) + " frames came out, " + to_string(waiting.size()) + " are missing" +
                    (mismatches ? "; before that " + first_mismatch : ""));
        }
    }
    // Nothing is left over: wait for as long as a frame takes and see nothing.
    void finish() {
        cycles(LATENCY + INTERVAL + FRAME_ERROR_CYCLES);
        if (mismatches)
            throw Fault(
                to_string(mismatches) + " of " + to_string(compared) + " results differ; first: " + first_mismatch);
    }

    // Once the core is full, the longest distance of these moments, and what a period of them comes to, are the manifest's.
    // Where the core is not full so soon, nothing is measured.
    void steady(const std::vector<long> &moments, const string &what) {
        std::vector<long> distances;
        for (long n = SETTLING + 1; n < long(moments.size()); n++) distances.push_back(moments[n] - moments[n - 1]);
        const long count = distances.size();
        if (count < PERIOD_FRAMES) return;
        const auto longest = std::max_element(distances.begin(), distances.end());
        const long number = SETTLING + (longest - distances.begin());
        if (*longest != INTERVAL)
            throw Fault(
                what + " " + to_string(number + 1) + " came " + to_string(*longest) + " cycles after " + what + " " +
                to_string(number) + ", the longest distance; the manifest says interval_cycles " + to_string(INTERVAL));
        for (long n = SETTLING; n + PERIOD_FRAMES < long(moments.size()); n++)
            if (moments[n + PERIOD_FRAMES] - moments[n] != PERIOD_CYCLES)
                throw Fault(
                    "from " + what + " " + to_string(n) + " on " + to_string(PERIOD_FRAMES) + " took " +
                    to_string(moments[n + PERIOD_FRAMES] - moments[n]) + " cycles; the manifest says period_cycles " +
                    to_string(PERIOD_CYCLES));
        intervals = distances;
        std::sort(intervals.begin(), intervals.end());
        intervals.erase(std::unique(intervals.begin(), intervals.end()), intervals.end());
    }

    // One frame alone: its latency. Then frames back to back, no gap, no back-pressure: answers and interval.
    void full_speed() {
        cycles(SLACK);
        Frame *alone = send(pool.single[random.below(pool.single.size())]);
        answered();
        cycles(SLACK);
        std::vector<Frame *> sent;
        for (long number = 0; number < FULL_SPEED; number++) sent.push_back(send(number % IMAGES));
        answered();
        latency = alone->last_out - alone->first_in;
        if (latency != LATENCY)
            throw Fault(
                "latency of a frame alone in an idle core is " + to_string(latency) +
                " cycles; the manifest says latency_cycles " + to_string(LATENCY));
        if (SEQUENCES) {
            Frame *longest = send(pool.longest);
            answered();
            return steady(longest->starts, "step");
        }
        // Behind the last frames there is none that shares the core with them.
        std::vector<long> ends;
        for (const Frame *frame : sent)
            if (frame->last_out <= sent.back()->first_in) ends.push_back(frame->last_out);
        steady(ends, "frame");
    }
    void some(Bursts gaps, Bursts taking) {
        gap = gaps, ready = taking;
        for (long number = 0; number < MANY; number++) send(pool.brief[random.below(pool.brief.size())]);
        answered();
        gap = NEVER, ready = ALWAYS;
    }
};

struct Scenario {
    string name;
    long frames;
    std::function<void(Bench &)> play;
};

const std::vector<Scenario> SCENARIOS = {
    {"full_speed", 1 + FULL_SPEED, [](Bench &bench) { bench.full_speed(); }},
    {"random_gaps", MANY, [](Bench &bench) { bench.some({0.4, 12}, ALWAYS); }},
    {"random_back_pressure", MANY,
     [](Bench &bench) { bench.some(NEVER, {0.4, std::max(12L, INTERVAL / OUTPUTS)}); }},
    {"random_gaps_and_back_pressure", MANY, [](Bench &bench) { bench.some({0.4, 40}, {0.5, 40}); }},
};

int main(int argc, char **argv) {
    if (argc < 3) return 2;
    const string folder = argv[1], seed = argv[2];
    const Pool pool(folder);
    const auto weights = read_file<uint8_t>(folder + "/image");
    Progress progress;
    Core core(argc, argv);
    std::ofstream records(folder + "/records");
    bool good = true;
    for (const Scenario &scenario : SCENARIOS) {
        progress.say("phase " + scenario.name + " " + to_string(scenario.frames), true);
        const auto start = Clock::now();
        Bench bench(core, pool, progress, seed + ":" + scenario.name);
        string error = "null";
        try {
            bench.reset(3);
            bench.fill(weights);
            scenario.play(bench);
            bench.finish();
        } catch (const Fault &fault) {
            error = string("\"") + fault.what() + "\"";
            good = false;
        }
        if (&scenario == &SCENARIOS.front()) {
            long rows = 0;
            for (long number = 0; number < std::min(FULL_SPEED, IMAGES); number++) rows += pool.frames[number].rows;
            // Those behind the frame that went alone, as far as they are complete.
            const long from = std::min(long(bench.values.size()), OUTPUTS);
            const long count = std::min(rows, (long(bench.values.size()) - from) / OUTPUTS) * OUTPUTS;
            std::ofstream(folder + "/outputs", std::ios::binary)
                .write(reinterpret_cast<const char *>(bench.values.data() + from), count * sizeof(int64_t));
        }
        string intervals;
        for (long cycles : bench.intervals) intervals += (intervals.empty() ? "" : ", ") + to_string(cycles);
        records << "{\"name\": \"" << scenario.name << "\", \"passed\": " << (error == "null" ? "true" : "false")
                << ", \"error\": " << error << ", \"frames\": " << bench.done << ", \"results\": " << bench.compared
                << ", \"mismatches\": " << bench.mismatches << ", \"cycles\": " << bench.now << ", \"seconds\": "
                << std::chrono::duration_cast<std::chrono::microseconds>(Clock::now() - start).count() / 1e6 << ", \"latency_cycles\": "
                << (bench.latency < 0 ? "null" : to_string(bench.latency)) << ", \"interval_cycles\": [" << intervals
                << "]}" << std::endl;
    }
    core.top.final();
    return good ? 0 : 1;
}
