/* Classifies images on a core beside the processor, and prints what it finds. Ends with the letter EOT. */
#include "hdlgen_core.h"
#include "hdlgen_registers.h"

#include "images.h" /* count, labels, images */
#include "system.h" /* addresses of the core, the serial port and the counter of cycles */

static uint32_t reg(uint32_t address)
{
    return *(volatile uint32_t *)(uintptr_t)address;
}

static void say_letter(char letter)
{
    while (reg(UART_FULL))
        ;
    *(volatile uint32_t *)(uintptr_t)UART_DATA = (uint32_t)letter;
}

static void say(const char *text)
{
    while (*text)
        say_letter(*text++);
}

static void say_number(int32_t value)
{
    static const uint32_t powers[] = {1000000000u, 100000000u, 10000000u, 1000000u, 100000u, 10000u, 1000u, 100u, 10u, 1u};
    uint32_t left = value < 0 ? 0u - (uint32_t)value : (uint32_t)value;
    int place, begun = 0;

    say_letter(' ');
    if (value < 0)
        say_letter('-');
    for (place = 0; place < 10; place++) {
        char digit = '0';
        for (; left >= powers[place]; left -= powers[place])
            digit++;
        begun |= digit != '0' || place == 9;
        if (begun)
            say_letter(digit);
    }
}

static uint32_t now(void)
{
    *(volatile uint32_t *)(uintptr_t)LATCH = 1;
    return reg(UPTIME);
}

int main(void)
{
    struct hdlgen_core core;
    struct hdlgen_answer answer;
    int right = 0, image, found = hdlgen_open(&core, CORE_BASE, NETWORK);

    for (image = 0; found == HDLGEN_OK && image < IMAGES; image++) {
        uint32_t begin = now(), sent;

        found = hdlgen_put(&core, images[image], sizeof images[image]);
        sent = now();
        if (found == HDLGEN_OK)
            found = hdlgen_classify(&core, &answer);
        if (found != HDLGEN_OK)
            break;
        right += answer.number == labels[image];
        say("image");
        say_number(image);
        say(" label");
        say_number(labels[image]);
        say(" class");
        say_number((int32_t)answer.number);
        say(" score");
        say_number((int32_t)answer.score);
        say(" core cycles");
        say_number((int32_t)answer.cycles);
        say(" sent in");
        say_number((int32_t)(sent - begin));
        say(" all");
        say_number((int32_t)(now() - begin));
        say("\n");
    }
    say("right");
    say_number(right);
    say(" of");
    say_number(IMAGES);
    say(" error");
    say_number(found);
    say("\n");
    say_letter(4);
    for (;;)
        ;
}
