// top: the core of network random, 4 -> 3
// path engine, layers 1 to 1: lanes 2
// latency 32 cycles, interval 22 cycles
//
// Ports; clk is the clock of all, rst is synchronous and active high, and needed by no one after power-on:
//   input          clk
//   input          rst
//   input  [7:0]   s_axis_tdata
//   input          s_axis_tvalid
//   output         s_axis_tready
//   input          s_axis_tlast
//   output [31:0]  m_axis_tdata
//   output         m_axis_tvalid
//   input          m_axis_tready
//   output         m_axis_tlast
//   output         frame_error
//
// A beat of a stream moves where valid and ready are high; tlast is high on the last one of a frame.
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// All modules of the design stand in this file.
/* verilator lint_off DECLFILENAME */

module top (
  input wire clk,
  input wire rst,
  input wire [7:0] s_axis_tdata,
  input wire s_axis_tvalid,
  output wire s_axis_tready,
  input wire s_axis_tlast,
  output wire [31:0] m_axis_tdata,
  output wire m_axis_tvalid,
  input wire m_axis_tready,
  output wire m_axis_tlast,
  output wire frame_error
);

  // What the parts give.
  wire request__valid;
  wire [7:0] weights__payload;
  wire ready_next;
  wire [10:0] value;

  // Logic.
  assign m_axis_tdata = {{21{value[10]}}, value};

  // Parts.
  // Frames in, results out, weights from a stream.
  top__engine engine (
    .clk(clk),
    .rst(rst),
    .data(s_axis_tdata[5:0]),
    .valid(s_axis_tvalid),
    .last(s_axis_tlast),
    .ready(m_axis_tready),
    .request__valid(request__valid),
    .s_ready(s_axis_tready),
    .w(weights__payload),
    .weights_next(ready_next),
    .frame_error(frame_error),
    .m_valid(m_axis_tvalid),
    .value(value),
    .m_last(m_axis_tlast)
  );

  // Streams the weights of the transitions asked for, from on-chip memory.
  top__weights weights (
    .clk(clk),
    .rst(rst),
    .w_en(request__valid),
    .o__payload(weights__payload),
    .ready_next(ready_next)
  );

  // Nobody reads these.
  wire unused = &{1'b0, s_axis_tdata[7:6]};
endmodule

// Frames in, results out, weights from a stream.
module top__engine (
  input wire clk,
  input wire rst,
  input wire [5:0] data,
  input wire valid,
  input wire last,
  input wire ready,
  output wire request__valid,
  output wire s_ready,
  input wire [7:0] w,
  output reg weights_next,
  output wire frame_error,
  output wire m_valid,
  output wire [10:0] value,
  output wire m_last
);

  // Registers, and values that blocks compute.
  reg select;
  reg release_;
  reg [4:0] frame_6;
  reg [2:0] flush;
  reg [4:0] frame_last_0;
  reg take_weights_0;
  reg take_weights_1;
  reg take_weights_2;
  reg take_weights_3;
  reg take_weights_4;
  reg take_weights_5;
  reg release_0;
  reg release_1;
  reg release_2;
  reg release_3;
  reg release_4;
  reg release_5;
  reg [2:0] ahead_0;
  reg [2:0] ahead_1;
  reg [2:0] ahead_2;
  reg [2:0] ahead_3;
  reg [2:0] ahead_4;
  reg [2:0] ahead_5;
  reg [4:0] frame_0;
  reg [4:0] frame_1;
  reg [4:0] frame_2;
  reg [4:0] frame_3;
  reg [4:0] frame_4;
  reg [4:0] frame_5;

  // After power-on.
  initial begin
    select = 1'b0;
    take_weights_0 = 1'b0;
    take_weights_1 = 1'b0;
    take_weights_2 = 1'b0;
    take_weights_3 = 1'b0;
    take_weights_4 = 1'b0;
    take_weights_5 = 1'b0;
    weights_next = 1'b0;
    release_0 = 1'b0;
    release_1 = 1'b0;
    release_2 = 1'b0;
    release_3 = 1'b0;
    release_4 = 1'b0;
    release_5 = 1'b0;
    release_ = 1'b0;
    ahead_0 = 3'd0;
    ahead_1 = 3'd0;
    ahead_2 = 3'd0;
    ahead_3 = 3'd0;
    ahead_4 = 3'd0;
    ahead_5 = 3'd0;
    flush = 3'd7;
    frame_0 = 5'd0;
    frame_1 = 5'd0;
    frame_2 = 5'd0;
    frame_3 = 5'd0;
    frame_4 = 5'd0;
    frame_5 = 5'd0;
    frame_6 = 5'd0;
    frame_last_0 = 5'd0;
  end

  // What the parts give.
  wire [1:0] input_enable;
  wire [1:0] input_address;
  wire [5:0] input_data;
  wire loaded;
  wire take;
  wire sent;
  wire valid_2;
  wire first;
  wire [1:0] counter;
  wire buffer;
  wire last_2;
  wire [1:0] read_address;
  wire [11:0] i;
  wire [19:0] i_2;
  wire write_enable;
  wire write_row;
  wire write_position;
  wire [10:0] write_value;
  wire end_;
  wire exchange;
  wire o_valid;
  wire [1:0] flush_2;
  wire o_final;
  wire [1:0] carry;
  wire [5:0] value_2;
  wire [5:0] value_3;
  wire [10:0] value_4;
  wire [10:0] value_5;
  wire [10:0] value_6;

  // Logic.
  assign request__valid = valid_2 & first;
  assign value = value_6;

  always @(posedge clk) begin
    select <= exchange;
    take_weights_0 <= valid_2;
    take_weights_1 <= take_weights_0;
    take_weights_2 <= take_weights_1;
    take_weights_3 <= take_weights_2;
    take_weights_4 <= take_weights_3;
    take_weights_5 <= take_weights_4;
    weights_next <= take_weights_5;
    release_0 <= valid_2 & last_2;
    release_1 <= release_0;
    release_2 <= release_1;
    release_3 <= release_2;
    release_4 <= release_3;
    release_5 <= release_4;
    release_ <= release_5;
    ahead_0 <= {flush_2, o_valid};
    ahead_1 <= ahead_0;
    ahead_2 <= ahead_1;
    ahead_3 <= ahead_2;
    ahead_4 <= ahead_3;
    ahead_5 <= ahead_4;
    flush <= ahead_5;
    frame_0 <= {carry, flush_2, o_final};
    frame_1 <= frame_0;
    frame_2 <= frame_1;
    frame_3 <= frame_2;
    frame_4 <= frame_3;
    frame_5 <= frame_4;
    frame_6 <= frame_5;
    frame_last_0 <= frame_6;
    if (rst) begin
      select <= 1'b0;
      take_weights_0 <= 1'b0;
      take_weights_1 <= 1'b0;
      take_weights_2 <= 1'b0;
      take_weights_3 <= 1'b0;
      take_weights_4 <= 1'b0;
      take_weights_5 <= 1'b0;
      weights_next <= 1'b0;
      release_0 <= 1'b0;
      release_1 <= 1'b0;
      release_2 <= 1'b0;
      release_3 <= 1'b0;
      release_4 <= 1'b0;
      release_5 <= 1'b0;
      release_ <= 1'b0;
      ahead_0 <= 3'd0;
      ahead_1 <= 3'd0;
      ahead_2 <= 3'd0;
      ahead_3 <= 3'd0;
      ahead_4 <= 3'd0;
      ahead_5 <= 3'd0;
      flush <= 3'd7;
      frame_0 <= 5'd0;
      frame_1 <= 5'd0;
      frame_2 <= 5'd0;
      frame_3 <= 5'd0;
      frame_4 <= 5'd0;
      frame_5 <= 5'd0;
      frame_6 <= 5'd0;
      frame_last_0 <= 5'd0;
    end
  end

  // Parts.
  // Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.
  top__engine__loader loader (
    .clk(clk),
    .rst(rst),
    .data(data),
    .valid(valid),
    .last(last),
    .ready(s_ready),
    .loaded(loaded),
    .write_enable(input_enable),
    .take(take),
    .release_(release_),
    .frame_error(frame_error),
    .write_data(input_data),
    .write_address(input_address)
  );

  // splits memories; row r lies in memory r mod splits.
  top__engine__activations activations (
    .clk(clk),
    .rst(rst),
    .input_enable(input_enable),
    .read_data(i),
    .input_data(input_data),
    .input_address(input_address),
    .read_address(read_address)
  );

  // Issues the blocks of all transitions, one per cycle, keeping up to two frames in flight.
  top__engine__sequencer sequencer (
    .clk(clk),
    .rst(rst),
    .done(2'd0),
    .loaded(loaded),
    .valid(valid_2),
    .take(take),
    .sent(sent),
    .counter(counter),
    .first(first),
    .last(last_2),
    .buffer(buffer)
  );

  // Source rows and lane exchange of consecutive blocks.
  top__engine__walker walker (
    .clk(clk),
    .rst(rst),
    .valid(valid_2),
    .counter(counter),
    .first(first),
    .buffer(buffer),
    .address(read_address),
    .exchange(exchange)
  );

  // Marks the block that completes a sum, for every group of lanes.
  top__engine__framer framer (
    .clk(clk),
    .rst(rst),
    .valid(valid_2),
    .counter(counter[0]),
    .first(first),
    .last(last_2),
    .o_valid(o_valid),
    .o_final(o_final),
    .flush(flush_2),
    .carry(carry)
  );

  // Lane j takes the value of lane j XOR select.
  top__engine__exchange_166 exchange_2 (
    .clk(clk),
    .i_2(i),
    .i(select),
    .lane_0_0(value_2),
    .lane_0_1(value_3)
  );

  // One sum per lane: sum' = sum + product, and out it goes with flush.
  top__engine__accumulators accumulators (
    .clk(clk),
    .i_2(i_2),
    .total_0(value_4),
    .total_1(value_5),
    .i(flush)
  );

  // Carries finished sums away from the lanes.
  top__engine__drain drain (
    .clk(clk),
    .rst(rst),
    .value_4(value_4),
    .value_5(value_5),
    .i(frame_6[2:1]),
    .frame_last_0(frame_last_0),
    .partial_result(write_enable),
    .partial_value(write_value),
    .partial_position(write_position),
    .partial_row(write_row),
    .end_(end_)
  );

  // Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.
  top__engine__results results (
    .clk(clk),
    .rst(rst),
    .ready(ready),
    .start(end_),
    .sent(sent),
    .write_enable(write_enable),
    .write_value(write_value),
    .write_position(write_position),
    .write_row(write_row),
    .valid(m_valid),
    .result(value_6),
    .last(m_last)
  );

  top_multiplier multiplier (
    .clk(clk),
    .a({value_3, value_2}),
    .w(w),
    .p(i_2)
  );
endmodule

// Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.
module top__engine__loader (
  input wire clk,
  input wire rst,
  input wire [5:0] data,
  input wire valid,
  input wire last,
  output wire ready,
  output wire loaded,
  output wire [1:0] write_enable,
  input wire take,
  input wire release_,
  output reg frame_error,
  output reg [5:0] write_data,
  output reg [1:0] write_address
);

  // Registers, and values that blocks compute.
  reg spare_held;
  reg [1:0] occupied;
  reg register;
  reg [1:0] register_2;
  reg register_3;
  reg stop;
  reg register_4;
  reg beat_full;
  reg dropping;
  reg bank_full;
  reg [4:0] following;
  reg marked;
  reg [2:0] register_5;
  reg [1:0] late_lane;
  reg [5:0] register_6;
  reg [5:0] spare;
  reg register_7;
  reg spare_last;
  reg [1:0] beats_left;
  reg final_beat;
  reg ending_late;
  reg taken;
  reg [1:0] reach;
  reg shared;
  reg last_bank;
  reg buffer;
  reg [1:0] flags_2;
  reg [5:0] chosen_0;

  // After power-on.
  initial begin
    register_3 = 1'b0;
    spare_held = 1'b0;
    register_6 = 6'd0;
    register_7 = 1'b0;
    spare = 6'd0;
    spare_last = 1'b0;
    beats_left = 2'd3;
    final_beat = 1'b0;
    dropping = 1'b0;
    register_4 = 1'b0;
    register = 1'b0;
    ending_late = 1'b0;
    frame_error = 1'b0;
    register_2 = 2'd0;
    occupied = 2'd0;
    stop = 1'b0;
    taken = 1'b1;
    reach = 2'd2;
    bank_full = 1'b0;
    beat_full = 1'b1;
    following = 5'd10;
    last_bank = 1'b0;
    shared = 1'b0;
    buffer = 1'b0;
    register_5 = 3'd0;
    flags_2 = 2'd0;
    late_lane = 2'd1;
    marked = 1'b0;
    chosen_0 = 6'd0;
    write_data = 6'd0;
    write_address = 2'd0;
  end

  // What the parts give.
  wire [2:0] o;

  // Logic.
  assign ready = ~spare_held;
  wire [1:0] difference = (occupied + {1'b0, register}) - {1'b0, release_};
  assign loaded = register_2 != 2'd0;
  wire step = (register_3 & (~stop)) & (~register_4);
  wire finished = (step & beat_full) | ((register_3 & dropping) & (~register_4));
  wire bank_end = step & bank_full;
  wire [2:0] i = rst ? 3'd0 : {register_5[2], register_5[0], marked};
  assign write_enable = late_lane & {2{o[0]}};
  wire either = finished | (~register_3);
  wire inverse = ~spare_held;
  wire both = finished & (~dropping);
  wire either_2 = ((following[1:0] > 2'd1) | ((following[1:0] == 2'd1) & (following[2] == 1'b0))) |
      following[3];
  wire [4:0] value = !following[4] ? 5'd18 : 5'd10;

  always @(posedge clk) begin
    register_3 <= ((register_3 & (~finished)) | spare_held) | valid;
    spare_held <= ((spare_held | valid) & register_3) & (~finished);
    register_4 <= (finished & (~dropping)) & (register_7 | final_beat);
    register <= ((finished & (~dropping)) & register_7) & final_beat;
    ending_late <= ~register_7;
    register_2 <= (register_2 + {1'b0, register}) - {1'b0, take};
    occupied <= difference;
    stop <= ((difference == 2'd2) | dropping) | (register_4 & ending_late);
    buffer <= buffer ^ register;
    register_5 <= {register_4, (buffer ^ register), (bank_end | register_4)};
    flags_2 <= register_5[1:0];
    marked <= step & taken;
    if (rst) begin
      register_3 <= 1'b0;
      spare_held <= 1'b0;
      register_4 <= 1'b0;
      register <= 1'b0;
      ending_late <= 1'b0;
      register_2 <= 2'd0;
      occupied <= 2'd0;
      stop <= 1'b0;
      buffer <= 1'b0;
      register_5 <= 3'd0;
      flags_2 <= 2'd0;
      marked <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (either) register_6 <= spare_held ? spare : data;
  end

  always @(posedge clk) begin
    if (either) register_7 <= spare_held ? spare_last : last;
    if (rst) register_7 <= 1'b0;
  end

  always @(posedge clk) begin
    if (inverse) spare <= data;
  end

  always @(posedge clk) begin
    if (inverse) spare_last <= last;
    if (rst) spare_last <= 1'b0;
  end

  always @(posedge clk) begin
    if (both) begin
      beats_left <= beats_left - 2'd1;
      final_beat <= beats_left == 2'd1;
    end
    if (register_4) begin
      beats_left <= 2'd3;
      final_beat <= 1'b0;
    end
    if (rst) begin
      beats_left <= 2'd3;
      final_beat <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if ((finished & dropping) & register_7) dropping <= 1'b0;
    if (register_4) dropping <= ending_late;
    if (rst) dropping <= 1'b0;
  end

  always @(posedge clk) begin
    if (register_4) begin
      if (~register) frame_error <= 1'b1;
    end
    if (rst) frame_error <= 1'b0;
  end

  always @(posedge clk) begin
    if (step) begin
      taken <= reach > 2'd1;
      reach <= reach - 2'd1;
      bank_full <= reach <= 2'd2;
      beat_full <= ((reach > 2'd2) | ((reach == 2'd2) & (shared == 1'b0))) | last_bank;
    end
    if (bank_end) begin
      taken <= following[1:0] > 2'd0;
      reach <= following[1:0];
      bank_full <= following[1:0] <= 2'd1;
      beat_full <= either_2;
    end
    if (register_4) begin
      taken <= 1'b1;
      reach <= 2'd2;
      bank_full <= 1'b0;
      beat_full <= 1'b1;
    end
    if (rst) begin
      taken <= 1'b1;
      reach <= 2'd2;
      bank_full <= 1'b0;
      beat_full <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (bank_end) begin
      following <= value;
      last_bank <= following[3];
      shared <= following[2];
    end
    if (register_4) begin
      following <= 5'd10;
      last_bank <= 1'b0;
      shared <= 1'b0;
    end
    if (rst) begin
      following <= 5'd10;
      last_bank <= 1'b0;
      shared <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (o[1]) begin
      late_lane[0] <= o[2] ? 1'b1 : late_lane[1];
      late_lane[1] <= o[2] ? 1'b0 : late_lane[0];
    end
    if (rst) late_lane <= 2'd1;
  end

  always @(posedge clk) begin
    chosen_0 <= register_6;
    write_data <= chosen_0;
  end

  always @(posedge clk) begin
    if (o[0]) write_address <= write_address + 2'd1;
    if (flags_2[0]) write_address <= flags_2[1] ? 2'd2 : 2'd0;
    if (rst) write_address <= 2'd0;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__loader__here here (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__loader__here (
  input wire clk,
  input wire [2:0] i,
  output reg [2:0] copies
);

  // After power-on.
  initial begin
    copies = 3'd0;
  end

  always @(posedge clk) begin
    copies <= i;
  end
endmodule

// splits memories; row r lies in memory r mod splits.
module top__engine__activations (
  input wire clk,
  input wire rst,
  input wire [1:0] input_enable,
  output wire [11:0] read_data,
  input wire [5:0] input_data,
  input wire [1:0] input_address,
  input wire [1:0] read_address
);

  // Registers, and values that blocks compute.
  reg [1:0] write_enable;
  reg [5:0] data_0_0;
  reg [5:0] data_0_1;

  // After power-on.
  initial begin
    write_enable = 2'd0;
    data_0_0 = 6'd0;
    data_0_1 = 6'd0;
  end

  // What the parts give.
  wire [1:0] write_address;
  wire o;

  always @(posedge clk) begin
    write_enable <= 2'd0 | input_enable;
    if (rst) write_enable <= 2'd0;
  end

  always @(posedge clk) begin
    data_0_0 <= o ? 6'd0 : input_data;
    data_0_1 <= o ? 6'd0 : input_data;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__activations__fanout fanout (
    .clk(clk),
    .copies(o)
  );

  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__activations__address_0_26 address_0 (
    .clk(clk),
    .i(input_address),
    .copies(write_address)
  );

  top_activations split_0_0 (
    .clk(clk),
    .write_enable(write_enable),
    .write_address(write_address),
    .write_data({data_0_1, data_0_0}),
    .read_address(read_address),
    .read_data(read_data)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__activations__fanout (
  input wire clk,
  output reg copies
);

  // After power-on.
  initial begin
    copies = 1'b0;
  end

  always @(posedge clk) begin
    copies <= 1'b0;
  end
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__activations__address_0_26 (
  input wire clk,
  input wire [1:0] i,
  output reg [1:0] copies
);

  // After power-on.
  initial begin
    copies = 2'd0;
  end

  always @(posedge clk) begin
    copies <= i;
  end
endmodule

// Issues the blocks of all transitions, one per cycle, keeping up to two frames in flight.
module top__engine__sequencer (
  input wire clk,
  input wire rst,
  input wire [1:0] done,
  input wire loaded,
  output wire valid,
  output wire take,
  input wire sent,
  output reg [1:0] counter,
  output reg first,
  output reg last,
  output reg buffer
);

  // Registers, and values that blocks compute.
  reg register;
  reg register_2;
  reg register_3;
  reg register_4;
  reg [1:0] waiting;
  reg older_parity;
  reg [1:0] unsent;
  reg newer;
  reg chosen_newer;
  reg register_5;
  reg chosen_waits;
  reg [1:0] left;
  reg following_buffer;
  reg [1:0] value;
  reg [1:0] value_2;

  // After power-on.
  initial begin
    register_2 = 1'b0;
    chosen_newer = 1'b0;
    register_3 = 1'b0;
    register_5 = 1'b0;
    chosen_waits = 1'b0;
    waiting = 2'd0;
    unsent = 2'd0;
    counter = 2'd0;
    first = 1'b0;
    left = 2'd0;
    last = 1'b0;
    register = 1'b0;
    older_parity = 1'b0;
    buffer = 1'b0;
    following_buffer = 1'b0;
    register_4 = 1'b0;
    newer = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Logic.
  wire start = register_2 & ((~register) | (register & last));
  assign take = start & register_3;
  wire both = (((register_4 & (~(waiting[older_parity]))) & (unsent < 2'd2)) | (loaded & (unsent < 2'd2))) &
      (~start);
  wire both_2 = register_2 & (~start);
  assign valid = register;

  always @* begin
    if (wake) begin end
    value = 2'd0;
    value = 2'd3;
  end

  always @* begin
    if (wake) begin end
    value_2 = 2'd0;
    value_2 = 2'd3;
  end

  always @(posedge clk) begin
    register_2 <= both & (~register_2);
    chosen_newer <= 1'b0;
    register_3 <= (~((register_4 & (~(waiting[older_parity]))) & (unsent < 2'd2))) & (~1'b0);
    register_5 <= ((register_4 & (~(waiting[older_parity]))) & (unsent < 2'd2)) ? older_parity : (register_4 ^
        older_parity);
    chosen_waits <= 1'b0;
    if (both_2) begin
      register_2 <= 1'b1;
      chosen_newer <= chosen_newer;
      register_3 <= register_3;
      register_5 <= register_5;
      chosen_waits <= chosen_waits;
    end
    if (rst) begin
      register_2 <= 1'b0;
      chosen_newer <= 1'b0;
      register_3 <= 1'b0;
      register_5 <= 1'b0;
      chosen_waits <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (done[0]) waiting[0] <= 1'b0;
    if (done[1]) waiting[1] <= 1'b0;
    if (start) begin
      if (chosen_waits & (register_5 == 1'b0)) waiting[0] <= 1'b1;
      if (chosen_waits & (register_5 == 1'b1)) waiting[1] <= 1'b1;
    end
    if (rst) waiting <= 2'd0;
  end

  always @(posedge clk) begin
    unsent <= (unsent + {1'b0, (start & (~chosen_waits))}) - {1'b0, sent};
    if (rst) unsent <= 2'd0;
  end

  always @(posedge clk) begin
    if (register) begin
      counter <= counter + 2'd1;
      first <= 1'b0;
      left <= left - 2'd1;
      last <= left == 2'd1;
      if (last) register <= 1'b0;
    end
    if (start) begin
      counter <= 2'd0;
      first <= 1'b1;
      left <= value;
      last <= value_2 == 2'd0;
      register <= 1'b1;
    end
    if (rst) begin
      counter <= 2'd0;
      first <= 1'b0;
      left <= 2'd0;
      last <= 1'b0;
      register <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (start) begin
      if (register_3) begin
        older_parity <= ~older_parity;
        buffer <= following_buffer;
        following_buffer <= ~following_buffer;
      end
      else if (chosen_newer) begin
      end
      else if (chosen_waits) begin
      end
      else begin
        older_parity <= ~older_parity;
        register_4 <= newer;
        newer <= 1'b0;
      end
    end
    if (rst) begin
      older_parity <= 1'b0;
      buffer <= 1'b0;
      following_buffer <= 1'b0;
      register_4 <= 1'b0;
      newer <= 1'b0;
    end
  end
endmodule

// Source rows and lane exchange of consecutive blocks.
module top__engine__walker (
  input wire clk,
  input wire rst,
  input wire valid,
  input wire [1:0] counter,
  input wire first,
  input wire buffer,
  output reg [1:0] address,
  output reg exchange
);

  // Registers, and values that blocks compute.
  reg [1:0] register;
  reg register_2;
  reg [1:0] zeros;
  reg register_3;
  reg first1;
  reg buffer1;
  reg [1:0] step;
  reg register_4;
  reg first2;
  reg buffer2;
  reg [1:0] state;
  reg buffer3;
  reg exchange4;
  reg value;
  reg [1:0] value_2;

  // After power-on.
  initial begin
    zeros = 2'd0;
    register_3 = 1'b0;
    first1 = 1'b0;
    buffer1 = 1'b0;
    step = 2'd0;
    register_4 = 1'b0;
    first2 = 1'b0;
    buffer2 = 1'b0;
    state = 2'd0;
    buffer3 = 1'b0;
    register_2 = 1'b0;
    register = 2'd0;
    exchange4 = 1'b0;
    address = 2'd0;
    exchange = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Logic.
  wire [1:0] trailing = counter[0] ? 2'd0 : counter[1] ? 2'd1 : 2'd0;

  always @* begin
    if (wake) begin end
    value = 1'b0;
    value = state[0];
  end

  always @* begin
    if (wake) begin end
    value_2 = 2'd0;
    value_2 = buffer3 ? 2'd2 : 2'd0;
  end

  always @(posedge clk) begin
    zeros <= trailing;
    register_3 <= valid;
    first1 <= first;
    buffer1 <= buffer;
    register_4 <= register_3;
    first2 <= first1;
    buffer2 <= buffer1;
    buffer3 <= buffer2;
    register_2 <= value;
    register <= value_2;
    exchange4 <= state[1];
    exchange <= exchange4;
    if (rst) begin
      zeros <= 2'd0;
      register_3 <= 1'b0;
      first1 <= 1'b0;
      buffer1 <= 1'b0;
      register_4 <= 1'b0;
      first2 <= 1'b0;
      buffer2 <= 1'b0;
      buffer3 <= 1'b0;
      register_2 <= 1'b0;
      register <= 2'd0;
      exchange4 <= 1'b0;
      exchange <= 1'b0;
    end
  end

  always @(posedge clk) begin
    case (zeros)
      2'd0: step <= 2'd2;
      2'd1: step <= 2'd1;
      default: step <= 2'd0;
    endcase
    if (rst) step <= 2'd0;
  end

  always @(posedge clk) begin
    if (first2) state <= 2'd0;
    else if (register_4) state <= state ^ step;
    if (rst) state <= 2'd0;
  end

  always @(posedge clk) begin
    address <= register + {1'b0, register_2};
  end
endmodule

// Marks the block that completes a sum, for every group of lanes.
module top__engine__framer (
  input wire clk,
  input wire rst,
  input wire valid,
  input wire counter,
  input wire first,
  input wire last,
  output reg o_valid,
  output reg o_final,
  output reg [1:0] flush,
  output reg [1:0] carry
);

  // Registers, and values that blocks compute.
  reg valid1;
  reg first1;
  reg last1;
  reg end1;
  reg valid2;
  reg last2;
  reg end2;
  reg register;
  reg register_2;
  reg value;
  reg [1:0] value_2;

  // After power-on.
  initial begin
    valid1 = 1'b0;
    first1 = 1'b0;
    last1 = 1'b0;
    end1 = 1'b0;
    valid2 = 1'b0;
    last2 = 1'b0;
    end2 = 1'b0;
    register = 1'b0;
    register_2 = 1'b0;
    o_valid = 1'b0;
    o_final = 1'b0;
    flush = 2'd0;
    carry = 2'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Logic.
  wire both = valid2 & end2;
  wire both_2 = valid1 & first1;
  wire [2:0] sum = {2'd0, register_2} + {1'b0, value_2};
  wire [1:0] now_0_0 = 1'b1 ? {1'b0, register} : 2'd0;
  wire over_0 = 1'b1 ? now_0_0[1] : 1'b0;
  wire complete_0 = 1'b1 ? (({2'd0, now_0_0[0]} + {1'b0, sum[2:1]}) >= 3'd2) : 1'b0;
  wire [1:0] now_1_0 = 1'b1 ? ({1'b0, register} + 2'd1) : 2'd0;
  wire over_1 = 1'b1 ? now_1_0[1] : 1'b0;
  wire complete_1 = 1'b1 ? (({2'd0, now_1_0[0]} + {1'b0, sum[2:1]}) >= 3'd2) : 1'b0;

  always @* begin
    if (wake) begin end
    value = 1'b0;
    value = &counter;
  end

  always @* begin
    if (wake) begin end
    value_2 = 2'd0;
    value_2 = 2'd3;
  end

  always @(posedge clk) begin
    valid1 <= valid;
    first1 <= first;
    last1 <= last;
    end1 <= value;
    valid2 <= valid1;
    last2 <= last1;
    end2 <= end1;
    o_valid <= valid2;
    o_final <= valid2 & last2;
    flush <= {((valid2 & end2) & (complete_1 | last2)), ((valid2 & end2) & (complete_0 | last2))};
    carry <= {over_1, over_0};
    if (rst) begin
      valid1 <= 1'b0;
      first1 <= 1'b0;
      last1 <= 1'b0;
      end1 <= 1'b0;
      valid2 <= 1'b0;
      last2 <= 1'b0;
      end2 <= 1'b0;
      o_valid <= 1'b0;
      o_final <= 1'b0;
      flush <= 2'd0;
      carry <= 2'd0;
    end
  end

  always @(posedge clk) begin
    if (both) begin
      register <= register + sum[1];
      register_2 <= sum[0];
    end
    if (both_2) begin
      register <= 1'b0;
      register_2 <= 1'b0;
    end
    if (rst) begin
      register <= 1'b0;
      register_2 <= 1'b0;
    end
  end
endmodule

// Lane j takes the value of lane j XOR select.
module top__engine__exchange_166 (
  input wire clk,
  input wire [11:0] i_2,
  input wire i,
  output reg [5:0] lane_0_0,
  output reg [5:0] lane_0_1
);

  // After power-on.
  initial begin
    lane_0_0 = 6'd0;
    lane_0_1 = 6'd0;
  end

  // What the parts give.
  wire o;

  always @(posedge clk) begin
    lane_0_0 <= o ? i_2[11:6] : i_2[5:0];
    lane_0_1 <= o ? i_2[5:0] : i_2[11:6];
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__exchange_166__fanout_0 fanout_0 (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__exchange_166__fanout_0 (
  input wire clk,
  input wire i,
  output reg copies
);

  // After power-on.
  initial begin
    copies = 1'b0;
  end

  always @(posedge clk) begin
    copies <= i;
  end
endmodule

// One sum per lane: sum' = sum + product, and out it goes with flush.
module top__engine__accumulators (
  input wire clk,
  input wire [19:0] i_2,
  output wire [10:0] total_0,
  output wire [10:0] total_1,
  input wire [2:0] i
);

  // Registers, and values that blocks compute.
  reg [10:0] sum_0;
  reg [9:0] product_0;
  reg [10:0] sum_1;
  reg [9:0] product_1;

  // After power-on.
  initial begin
    product_0 = 10'd0;
    sum_0 = 11'd0;
    product_1 = 10'd0;
    sum_1 = 11'd0;
  end

  // What the parts give.
  wire [2:0] o;

  // Logic.
  wire [10:0] sum = sum_0 + {product_0[9], product_0};
  wire [10:0] sum_2 = sum_1 + {product_1[9], product_1};
  assign total_0 = sum;
  assign total_1 = sum_2;

  always @(posedge clk) begin
    product_0 <= i_2[9:0];
    product_1 <= i_2[19:10];
  end

  always @(posedge clk) begin
    if (o[0]) sum_0 <= sum;
    if (o[1]) sum_0 <= 11'd0;
  end

  always @(posedge clk) begin
    if (o[0]) sum_1 <= sum_2;
    if (o[2]) sum_1 <= 11'd0;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__accumulators__fanout fanout (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__accumulators__fanout (
  input wire clk,
  input wire [2:0] i,
  output reg [2:0] copies
);

  // After power-on.
  initial begin
    copies = 3'd0;
  end

  always @(posedge clk) begin
    copies <= i;
  end
endmodule

// Carries finished sums away from the lanes.
module top__engine__drain (
  input wire clk,
  input wire rst,
  input wire [10:0] value_4,
  input wire [10:0] value_5,
  input wire [1:0] i,
  input wire [4:0] frame_last_0,
  output reg partial_result,
  output reg [10:0] partial_value,
  output reg partial_position,
  output reg partial_row,
  output reg end_
);

  // Registers, and values that blocks compute.
  reg position_0;
  reg [1:0] carry_0;
  reg at_end_0;
  reg active_0;
  reg [1:0] flush_0;
  reg final_0;
  reg [10:0] held_0;
  reg [10:0] held_1;

  // After power-on.
  initial begin
    at_end_0 = 1'b0;
    position_0 = 1'b0;
    active_0 = 1'b0;
    flush_0 = 2'd0;
    carry_0 = 2'd0;
    final_0 = 1'b0;
    held_0 = 11'd0;
    held_1 = 11'd0;
    partial_result = 1'b0;
    partial_value = 11'd0;
    partial_position = 1'b0;
    partial_row = 1'b0;
    end_ = 1'b0;
  end

  // What the parts give.
  wire [1:0] o;

  // Logic.
  wire load_0 = |frame_last_0[2:1];
  wire value = !position_0 ? flush_0[0] : flush_0[1];

  always @(posedge clk) begin
    at_end_0 <= active_0 & (position_0 == 1'b0);
    partial_result <= active_0 & value;
    end_ <= at_end_0 & final_0;
    if (rst) begin
      at_end_0 <= 1'b0;
      partial_result <= 1'b0;
      end_ <= 1'b0;
    end
  end

  always @(posedge clk) begin
    position_0 <= position_0 + 1'b1;
    if (load_0) begin
      position_0 <= 1'b0;
      flush_0 <= frame_last_0[2:1];
      carry_0 <= frame_last_0[4:3];
      final_0 <= frame_last_0[0];
    end
    if (rst) begin
      position_0 <= 1'b0;
      flush_0 <= 2'd0;
      carry_0 <= 2'd0;
      final_0 <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (at_end_0) active_0 <= 1'b0;
    if (load_0) active_0 <= 1'b1;
    if (rst) active_0 <= 1'b0;
  end

  always @(posedge clk) begin
    held_0 <= o[0] ? value_4 : held_1;
    held_1 <= o[1] ? value_5 : held_1;
    partial_value <= held_0;
    partial_position <= position_0;
  end

  always @(posedge clk) begin
    partial_row <= 1'b0;
    if (!position_0) partial_row <= carry_0[0];
    else partial_row <= carry_0[1];
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  top__engine__drain__fanout fanout (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module top__engine__drain__fanout (
  input wire clk,
  input wire [1:0] i,
  output reg [1:0] copies
);

  // After power-on.
  initial begin
    copies = 2'd0;
  end

  always @(posedge clk) begin
    copies <= i;
  end
endmodule

// Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.
module top__engine__results (
  input wire clk,
  input wire rst,
  input wire ready,
  input wire start,
  output wire sent,
  input wire write_enable,
  input wire [10:0] write_value,
  input wire write_position,
  input wire write_row,
  output reg valid,
  output reg [10:0] result,
  output reg last
);

  // Registers, and values that blocks compute.
  reg write_half;
  reg read_half;
  reg [1:0] frames;
  reg [10:0] register;
  reg [1:0] number;
  reg active_1;
  reg ends_1;
  reg last_1;
  reg [10:0] register_2;
  reg [8:0] bias;
  reg register_3;
  reg active_0;
  reg ends_0;
  reg last_0;
  reg register_4;
  reg last_1_2;
  reg [10:0] spare;
  reg spare_last;
  reg [8:0] value;

  // After power-on.
  initial begin
    write_half = 1'b0;
    frames = 2'd0;
    read_half = 1'b0;
    active_0 = 1'b0;
    ends_0 = 1'b0;
    last_0 = 1'b0;
    active_1 = 1'b0;
    ends_1 = 1'b0;
    last_1 = 1'b0;
    number = 2'd0;
    bias = 9'd0;
    register_4 = 1'b0;
    last_1_2 = 1'b0;
    register_2 = 11'd0;
    register = 11'd0;
    valid = 1'b0;
    register_3 = 1'b0;
    result = 11'd0;
    last = 1'b0;
    spare = 11'd0;
    spare_last = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire read_lane;
  wire read_row;
  wire [10:0] o;
  wire last_2;
  wire ends;

  // Logic.
  wire read_enable = ~register_3;
  wire step = (frames != 2'd0) & read_enable;
  wire [10:0] sum = register + o;
  wire [10:0] sum_2 = register_2 + {{2{bias[8]}}, bias};
  assign sent = (valid & ready) & last;
  wire either = (~valid) | ready;
  wire [1:0] following = (read_enable & active_1) & ends_1 ? ((last_1 ? 2'd0 : (number + 2'd1))) : number;

  always @* begin
    if (wake) begin end
    value = 9'd0;
    case (number)
      2'd0: value = 9'd383;
      2'd1: value = 9'd415;
      2'd2: value = 9'd188;
      default: ;
    endcase
  end

  always @(posedge clk) begin
    if (start) write_half <= ~write_half;
    if (rst) write_half <= 1'b0;
  end

  always @(posedge clk) begin
    frames <= (frames + {1'b0, start}) - {1'b0, (((frames != 2'd0) & last_2) & read_enable)};
    number <= following;
    valid <= ((valid & (~ready)) | register_3) | register_4;
    register_3 <= ((register_3 | register_4) & valid) & (~ready);
    if (rst) begin
      frames <= 2'd0;
      number <= 2'd0;
      valid <= 1'b0;
      register_3 <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (((frames != 2'd0) & last_2) & read_enable) read_half <= ~read_half;
    if (rst) read_half <= 1'b0;
  end

  always @(posedge clk) begin
    if (read_enable) begin
      active_0 <= frames != 2'd0;
      ends_0 <= ends;
      last_0 <= last_2;
      active_1 <= active_0;
      ends_1 <= ends_0;
      last_1 <= last_0;
      bias <= value;
      register_4 <= active_1 & ends_1;
      last_1_2 <= last_1;
      register_2 <= sum;
      spare_last <= last_1_2;
      if (active_1) register <= ends_1 ? 11'd0 : sum;
    end
    if (rst) begin
      active_0 <= 1'b0;
      ends_0 <= 1'b0;
      last_0 <= 1'b0;
      active_1 <= 1'b0;
      ends_1 <= 1'b0;
      last_1 <= 1'b0;
      bias <= 9'd0;
      register_4 <= 1'b0;
      last_1_2 <= 1'b0;
      register_2 <= 11'd0;
      register <= 11'd0;
      spare_last <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (either) result <= register_3 ? spare : sum_2;
  end

  always @(posedge clk) begin
    if (either) last <= register_3 ? spare_last : last_1_2;
    if (rst) last <= 1'b0;
  end

  always @(posedge clk) begin
    if (read_enable) spare <= sum_2;
  end

  // Parts.
  // Counts through the places of a layer in bank order, again and again.
  top__engine__results__order order (
    .clk(clk),
    .rst(rst),
    .step(step),
    .lane(read_lane),
    .row(read_row),
    .ends(ends),
    .last(last_2)
  );

  // A store of partial sums, filled by the chains in parallel, read one at a time by lane and row.
  top__engine__results__sums sums (
    .clk(clk),
    .rst(rst),
    .read__en(read_enable),
    .write_enable(write_enable),
    .write_value(write_value),
    .write_position(write_position),
    .write_row(write_row),
    .write_half(write_half),
    .read_half(read_half),
    .read_lane(read_lane),
    .read_row(read_row),
    .o(o)
  );
endmodule

// Counts through the places of a layer in bank order, again and again.
module top__engine__results__order (
  input wire clk,
  input wire rst,
  input wire step,
  output reg lane,
  output reg row,
  output reg ends,
  output reg last
);

  // Registers, and values that blocks compute.
  reg [1:0] index;
  reg following_0;
  reg following_1;
  reg following_2;
  reg following_3;

  // After power-on.
  initial begin
    index = 2'd1;
    lane = 1'b0;
    row = 1'b0;
    ends = 1'b1;
    last = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  always @* begin
    if (wake) begin end
    following_0 = 1'b0;
    case (index)
      2'd0: following_0 = 1'b0;
      2'd1: following_0 = 1'b1;
      2'd2: following_0 = 1'b1;
      default: ;
    endcase
  end

  always @* begin
    if (wake) begin end
    following_1 = 1'b0;
    case (index)
      2'd0: following_1 = 1'b0;
      2'd1: following_1 = 1'b0;
      2'd2: following_1 = 1'b1;
      default: ;
    endcase
  end

  always @* begin
    if (wake) begin end
    following_2 = 1'b1;
    case (index)
      2'd0: following_2 = 1'b1;
      2'd1: following_2 = 1'b1;
      2'd2: following_2 = 1'b1;
      default: ;
    endcase
  end

  always @* begin
    if (wake) begin end
    following_3 = 1'b0;
    case (index)
      2'd0: following_3 = 1'b0;
      2'd1: following_3 = 1'b0;
      2'd2: following_3 = 1'b1;
      default: ;
    endcase
  end

  always @(posedge clk) begin
    if (step) begin
      index <= (index == 2'd2) ? 2'd0 : (index + 2'd1);
      lane <= following_0;
      row <= following_1;
      ends <= following_2;
      last <= following_3;
    end
    if (rst) begin
      index <= 2'd1;
      lane <= 1'b0;
      row <= 1'b0;
      ends <= 1'b1;
      last <= 1'b0;
    end
  end
endmodule

// A store of partial sums, filled by the chains in parallel, read one at a time by lane and row.
module top__engine__results__sums (
  input wire clk,
  input wire rst,
  input wire read__en,
  input wire write_enable,
  input wire [10:0] write_value,
  input wire write_position,
  input wire write_row,
  input wire write_half,
  input wire read_half,
  input wire read_lane,
  input wire read_row,
  output reg [10:0] o
);

  // Registers, and values that blocks compute.
  reg [10:0] read__data;
  reg [10:0] value;

  // After power-on.
  initial begin
    o = 11'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Memories.
  reg [10:0] store_0 [0:7];
  initial begin
    store_0[0] = 11'h000;
    store_0[1] = 11'h000;
    store_0[2] = 11'h000;
    store_0[3] = 11'h000;
    store_0[4] = 11'h000;
    store_0[5] = 11'h000;
    store_0[6] = 11'h000;
    store_0[7] = 11'h000;
  end
  always @(posedge clk) begin
    if (write_enable) store_0[{write_half, write_row, write_position}] <= write_value;
  end
  always @(posedge clk) begin
    if (read__en) read__data <= store_0[{read_half, read_row, read_lane}];
  end

  always @* begin
    if (wake) begin end
    value = 11'd0;
    value = read__data;
  end

  always @(posedge clk) begin
    if (read__en) o <= value;
    if (rst) o <= 11'd0;
  end
endmodule

// Streams the weights of the transitions asked for, from on-chip memory.
module top__weights (
  input wire clk,
  input wire rst,
  input wire w_en,
  output wire [7:0] o__payload,
  input wire ready_next
);

  // Registers, and values that blocks compute.
  reg register;
  reg register_2;
  reg register_3;
  reg advance_2;
  reg [1:0] address;
  reg register_4;
  reg last;
  reg [1:0] register_5;
  reg [1:0] length;
  reg [1:0] left;
  reg valid_2;
  reg value;
  reg [1:0] value_2;

  // After power-on.
  initial begin
    register_4 = 1'b0;
    register_5 = 2'd0;
    length = 2'd0;
    register_2 = 1'b0;
    valid_2 = 1'b0;
    advance_2 = 1'b1;
    register = 1'b1;
    address = 2'd0;
    left = 2'd0;
    last = 1'b0;
    register_3 = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire r_rdy;

  // Logic.
  wire chosen = register ? register_3 : register_2;
  wire following_2 = advance_2 ? register_2 : valid_2;
  wire empty_2 = (~following_2) | ready_next;
  wire switch = register_4 & ((~register_3) | last);
  wire r_en = ~register_4;
  wire inverse = ~register_4;
  wire either = register | (register_4 & (~register_3));

  always @* begin
    if (wake) begin end
    value = 1'b0;
    value = 1'b0;
  end

  always @* begin
    if (wake) begin end
    value_2 = 2'd0;
    value_2 = 2'd3;
  end

  always @(posedge clk) begin
    if (inverse) register_4 <= r_rdy;
    if (either) begin
      if (switch) register_4 <= 1'b0;
    end
    if (rst) register_4 <= 1'b0;
  end

  always @(posedge clk) begin
    if (inverse) begin
      register_5 <= {1'b0, value};
      length <= value_2;
    end
    if (rst) begin
      register_5 <= 2'd0;
      length <= 2'd0;
    end
  end

  always @(posedge clk) begin
    register_2 <= chosen;
    valid_2 <= following_2;
    advance_2 <= empty_2;
    register <= (~chosen) | empty_2;
    if (rst) begin
      register_2 <= 1'b0;
      valid_2 <= 1'b0;
      advance_2 <= 1'b1;
      register <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (either) begin
      address <= address + 2'd1;
      left <= left - 2'd1;
      last <= left == 2'd1;
      register_3 <= register_3 & (~last);
      if (switch) begin
        address <= register_5;
        left <= length;
        last <= length == 2'd0;
        register_3 <= 1'b1;
      end
    end
    if (rst) begin
      address <= 2'd0;
      left <= 2'd0;
      last <= 1'b0;
      register_3 <= 1'b0;
    end
  end

  // Parts.
  top__weights__queue queue (
    .clk(clk),
    .rst(rst),
    .w_en(w_en),
    .r_en(r_en),
    .r_rdy(r_rdy)
  );

  top_weights rom (
    .clk(clk),
    .enable(register),
    .output_enable(advance_2),
    .address(address),
    .data(o__payload)
  );
endmodule

module top__weights__queue (
  input wire clk,
  input wire rst,
  input wire w_en,
  input wire r_en,
  output wire r_rdy
);

  // Registers, and values that blocks compute.
  reg [3:0] level;

  // After power-on.
  initial begin
    level = 4'd0;
  end

  // Logic.
  wire w_rdy = level != 4'd8;
  assign r_rdy = level != 4'd0;

  always @(posedge clk) begin
    if ((w_rdy & w_en) & (~(r_rdy & r_en))) level <= level + 4'd1;
    if ((r_rdy & r_en) & (~(w_rdy & w_en))) level <= level - 4'd1;
    if (rst) level <= 4'd0;
  end
endmodule
