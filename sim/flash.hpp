// A flash at the pins of a top that Verilator made, for a program that is built with the options of `flash_options`.
#pragma once
#include <cstdint>
#include <cstdio>
#include <vector>

// An SPI flash at the pins of a top: an image at address FLASH, and 0xff around it. It knows 0xab (wake up), before which it
// does nothing, and 0x0b, 0x3b and 0x6b (fast read on one, two and four lines): 24 bits of address, 8 clocks that mean
// nothing, then data until it is deselected; 0x6b only with the bit QE, which 0x50 and the two bytes FLASH_QUAD set. Data
// change when the clock falls.
struct Flash {
    std::vector<uint8_t> content;
    bool clock = false, awake = false, is_volatile = false, quad = false;
    uint64_t bits = 0;  // received, the first one highest
    long count = 0, given = 0;
    int lines = 0;      // that it drives
    unsigned data = 0;  // on them

    explicit Flash(const char *name) {
        FILE *file = fopen(name, "rb");
        for (int byte; file && (byte = fgetc(file)) != EOF;) content.push_back(byte);
        if (file) fclose(file);
    }
    void pins(bool deselected, bool clk, bool mosi) {
        if (deselected) {
            if (count == 8 && bits == 0xab) awake = true;
            if (count == 16 && bits == FLASH_QUAD && is_volatile) quad = true;
            if (count) is_volatile = count == 8 && bits == 0x50 && awake;
            bits = count = given = lines = 0;
        } else if (clk && !clock) {
            if (count < 40) bits = bits << 1 | mosi;
            if (count < 40) count++;
        } else if (!clk && clock && count == 40 && awake) {
            const int command = bits >> 32;
            lines = command == 0x0b ? 1 : command == 0x3b ? 2 : command == 0x6b && quad ? 4 : 0;
            if (lines) {
                const long place = long(bits >> 8 & 0xffffff) + given / 8 - FLASH;
                const unsigned byte = place >= 0 && place < long(content.size()) ? content[place] : 0xff;
                data = byte >> (8 - lines - given % 8) & ((1u << lines) - 1);
                given += lines;
            }
        }
        clock = clk && !deselected;
    }
    // One cycle of the top's clock, after it: what the top drives goes to the flash, and what the flash drives to the top.
    template <class Top> void cycle(Top *top) {
#if FLASH_LINES == 1
        pins(top->flash_cs_n, top->flash_clk, top->flash_mosi);
        top->flash_miso = lines ? data : 1;
#else
        pins(top->flash_cs_n, top->flash_clk, top->flash_mosi__en ? top->flash_mosi__out : 1);
        // A line that nobody drives is high; one that both drive is low if either says so.
        const unsigned driven = (1u << lines) - 1;
        auto level = [&](int line, bool enable, bool out) {
            const bool mine = !(driven >> line & 1) || (data >> line & 1);
            return mine && (!enable || out);
        };
        top->flash_mosi = level(0, top->flash_mosi__en, top->flash_mosi__out);
        top->flash_miso = level(1, top->flash_miso__en, top->flash_miso__out);
#if FLASH_LINES == 4
        top->flash_wp = level(2, top->flash_wp__en, top->flash_wp__out);
        top->flash_hold = level(3, top->flash_hold__en, top->flash_hold__out);
#endif
#endif
    }
};
