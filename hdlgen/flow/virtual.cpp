// The serial line of a simulated board, bit by bit, to and from a pseudo-terminal.
// Arguments: file descriptor of the terminal, cycles of a bit, cycles without anything happening until time stands still.
#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <fcntl.h>
#include <memory>
#include <poll.h>
#include <unistd.h>
#include <vector>
#include "Vhdlgen_serial.h"
#include "verilated.h"

#ifdef FLASH
#include "flash.hpp"
#endif

int main(int argc, char **argv) {
    if (argc < 4) return 2;
    const int line = atoi(argv[1]);
    const long divisor = atol(argv[2]), patience = atol(argv[3]);
    fcntl(line, F_SETFL, fcntl(line, F_GETFL) | O_NONBLOCK);
    auto context = std::make_unique<VerilatedContext>();
    auto top = std::make_unique<Vhdlgen_serial>(context.get());
    top->clk = 0;
    top->button = 0;
    top->rx = 1;
    std::deque<uint8_t> to_board, to_host;
    uint32_t sending = 0, receiving = 0;             // bits still to send; bits received
    long send_left = 0, sample_in = 0, received = 0;  // cycles; bits of the byte
    bool active = false, before = true;
    long quiet = 0;
    uint64_t cycle = 0;
#ifdef FLASH
    Flash flash(argv[4]);
#endif
    puts("ready");
    fflush(stdout);
    for (;; cycle++) {
        top->clk = 1;
        top->eval();
        top->clk = 0;
        top->eval();
#ifdef FLASH
        flash.cycle(top.get());
#endif
        // To the board: start bit, eight bits, stop bit.
        if (send_left == 0) {
            if (sending > 1) {
                sending >>= 1;
                send_left = divisor;
            } else if (!to_board.empty()) {
                sending = 0x600u | uint32_t(to_board.front()) << 1;
                to_board.pop_front();
                send_left = divisor;
            }
            top->rx = sending > 1 ? sending & 1 : 1;
        }
        if (send_left) {
            send_left--;
            quiet = 0;
        }
        // From the board, sampled in the middle of the bits.
        if (!active && before && !top->tx) {
            active = true;
            received = 0;
            sample_in = divisor / 2;
        }
        before = top->tx;
        if (active) {
            quiet = 0;
            if (sample_in == 0) {
                sample_in = divisor;
                receiving = receiving >> 1 | uint32_t(top->tx) << 9;
                if (++received == 10) {
                    active = false;
                    if (!(receiving & 1) && (receiving >> 9 & 1)) to_host.push_back(receiving >> 1 & 255);
                }
            }
            sample_in--;
        }
        if (!to_host.empty() && (cycle & 15) == 0) {
            uint8_t some[256];
            size_t count = 0;
            while (count < sizeof some && count < to_host.size()) {
                some[count] = to_host[count];
                count++;
            }
            const ssize_t done = write(line, some, count);
            if (done > 0) to_host.erase(to_host.begin(), to_host.begin() + done);
        }
        quiet++;
        // Not before the reset is over: a real board is configured long before anybody talks to it.
        if (to_board.empty() && cycle > 1000 && (cycle & 63) == 0) {
            uint8_t some[4096];
            const ssize_t count = read(line, some, sizeof some);
            if (count > 0) {
                to_board.insert(to_board.end(), some, some + count);
                quiet = 0;
            } else if (count == 0 || (errno != EAGAIN && errno != EIO && errno != EINTR)) {
                break;
            }
        }
        if (quiet > patience && to_host.empty()) {
            pollfd more = {line, POLLIN, 0};
            poll(&more, 1, 1000);
            quiet = patience - 1000;
        }
    }
    top->final();
    return 0;
}
