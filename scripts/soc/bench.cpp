// The system with a clock; what it sends goes to the standard output, until EOT.
#include <cstdio>

#include "Vtop.h"
#include "verilated.h"

int main() {
    VerilatedContext context;
    Vtop top{&context};
    top.serial_source_ready = 1;
    for (unsigned long cycle = 0; cycle < 1000000000; cycle++) {
        top.sys_rst = cycle < 10;
        top.sys_clk = 1;
        top.eval();
        top.sys_clk = 0;
        top.eval();
        if (top.serial_source_valid && !top.sys_rst) {
            if (top.serial_source_data == 4) {
                std::printf("%lu cycles\n", cycle);
                return 0;
            }
            std::putchar(top.serial_source_data);
        }
    }
    std::printf("no end\n");
    return 1;
}
