// hdlgen_tiny: the core of network tiny, 8 -> 4 -> 4
// path engine, layers 1 to 2: lanes 4
// latency 64 cycles, interval 28 cycles
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

module hdlgen_tiny (
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
  wire request__payload;
  wire request__valid;
  wire [31:0] weights__payload;
  wire ready_next;
  wire [17:0] value;

  // Logic.
  assign m_axis_tdata = {{14{value[17]}}, value};

  // Parts.
  // Frames in, results out, weights from a stream.
  hdlgen_tiny__engine engine (
    .clk(clk),
    .rst(rst),
    .data(s_axis_tdata),
    .valid(s_axis_tvalid),
    .last(s_axis_tlast),
    .ready(m_axis_tready),
    .request__valid(request__valid),
    .s_ready(s_axis_tready),
    .w(weights__payload),
    .weights_next(ready_next),
    .frame_error(frame_error),
    .request__payload(request__payload),
    .m_valid(m_axis_tvalid),
    .value(value),
    .m_last(m_axis_tlast)
  );

  // Streams the weights of the transitions asked for, from on-chip memory.
  hdlgen_tiny__weights weights (
    .clk(clk),
    .rst(rst),
    .w_en(request__valid),
    .o__payload(weights__payload),
    .ready_next(ready_next),
    .w_data(request__payload)
  );
endmodule

// Frames in, results out, weights from a stream.
module hdlgen_tiny__engine (
  input wire clk,
  input wire rst,
  input wire [7:0] data,
  input wire valid,
  input wire last,
  input wire ready,
  output wire request__valid,
  output wire s_ready,
  input wire [31:0] w,
  output reg weights_next,
  output wire frame_error,
  output wire request__payload,
  output wire m_valid,
  output wire [17:0] value,
  output wire m_last
);

  // Registers, and values that blocks compute.
  reg [1:0] select;
  reg release_;
  reg [3:0] frame_7;
  reg [1:0] flush;
  reg [3:0] frame_last_0;
  reg parity;
  reg take_weights_0;
  reg take_weights_1;
  reg take_weights_2;
  reg take_weights_3;
  reg take_weights_4;
  reg take_weights_5;
  reg take_weights_6;
  reg release_0;
  reg release_1;
  reg release_2;
  reg release_3;
  reg release_4;
  reg release_5;
  reg [1:0] ahead_0;
  reg [1:0] ahead_1;
  reg [1:0] ahead_2;
  reg [1:0] ahead_3;
  reg [1:0] ahead_4;
  reg [1:0] ahead_5;
  reg [1:0] ahead_6;
  reg [3:0] frame_0;
  reg [3:0] frame_1;
  reg [3:0] frame_2;
  reg [3:0] frame_3;
  reg [3:0] frame_4;
  reg [3:0] frame_5;
  reg [3:0] frame_6;
  reg parity_0;
  reg parity_1;
  reg parity_2;
  reg parity_3;
  reg parity_4;
  reg parity_5;
  reg parity_6;
  reg parity_7;
  reg parity_8;
  reg parity_9;
  reg parity_10;

  // After power-on.
  initial begin
    select = 2'd0;
    take_weights_0 = 1'b0;
    take_weights_1 = 1'b0;
    take_weights_2 = 1'b0;
    take_weights_3 = 1'b0;
    take_weights_4 = 1'b0;
    take_weights_5 = 1'b0;
    take_weights_6 = 1'b0;
    weights_next = 1'b0;
    release_0 = 1'b0;
    release_1 = 1'b0;
    release_2 = 1'b0;
    release_3 = 1'b0;
    release_4 = 1'b0;
    release_5 = 1'b0;
    release_ = 1'b0;
    ahead_0 = 2'd0;
    ahead_1 = 2'd0;
    ahead_2 = 2'd0;
    ahead_3 = 2'd0;
    ahead_4 = 2'd0;
    ahead_5 = 2'd0;
    ahead_6 = 2'd0;
    flush = 2'd3;
    frame_0 = 4'd0;
    frame_1 = 4'd0;
    frame_2 = 4'd0;
    frame_3 = 4'd0;
    frame_4 = 4'd0;
    frame_5 = 4'd0;
    frame_6 = 4'd0;
    frame_7 = 4'd0;
    frame_last_0 = 4'd0;
    parity_0 = 1'b0;
    parity_1 = 1'b0;
    parity_2 = 1'b0;
    parity_3 = 1'b0;
    parity_4 = 1'b0;
    parity_5 = 1'b0;
    parity_6 = 1'b0;
    parity_7 = 1'b0;
    parity_8 = 1'b0;
    parity_9 = 1'b0;
    parity_10 = 1'b0;
    parity = 1'b0;
  end

  // What the parts give.
  wire [3:0] input_enable;
  wire [1:0] input_address;
  wire [7:0] input_data;
  wire loaded;
  wire take;
  wire sent;
  wire valid_2;
  wire first;
  wire [1:0] counter;
  wire last_2;
  wire [1:0] read_address;
  wire [31:0] i;
  wire [63:0] i_2;
  wire row_next;
  wire row_soon;
  wire row_valid;
  wire [3:0] row_enable;
  wire write_enable;
  wire [1:0] write_position;
  wire [17:0] write_value;
  wire end_;
  wire end_job;
  wire done_2;
  wire done_parity;
  wire [1:0] exchange;
  wire o_valid;
  wire flush_2;
  wire o_final;
  wire o_job;
  wire parity_11;
  wire [7:0] value_2;
  wire [7:0] value_3;
  wire [7:0] value_4;
  wire [7:0] value_5;
  wire [17:0] value_6;
  wire [17:0] value_7;
  wire [17:0] value_8;
  wire [17:0] value_9;
  wire [7:0] value_10;
  wire [7:0] value_11;
  wire [7:0] value_12;
  wire [7:0] value_13;
  wire [1:0] value_14;
  wire [17:0] value_15;

  // Logic.
  assign request__valid = valid_2 & first;
  wire start = end_ & (end_job == 1'b1);
  wire [1:0] done = {1'b0, done_2} << done_parity;
  assign value = value_15;

  always @(posedge clk) begin
    select <= exchange;
    take_weights_0 <= valid_2;
    take_weights_1 <= take_weights_0;
    take_weights_2 <= take_weights_1;
    take_weights_3 <= take_weights_2;
    take_weights_4 <= take_weights_3;
    take_weights_5 <= take_weights_4;
    take_weights_6 <= take_weights_5;
    weights_next <= take_weights_6;
    release_0 <= ((request__payload == 1'b0) & valid_2) & last_2;
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
    ahead_6 <= ahead_5;
    flush <= ahead_6;
    frame_0 <= {o_job, 1'b0, flush_2, o_final};
    frame_1 <= frame_0;
    frame_2 <= frame_1;
    frame_3 <= frame_2;
    frame_4 <= frame_3;
    frame_5 <= frame_4;
    frame_6 <= frame_5;
    frame_7 <= frame_6;
    frame_last_0 <= frame_7;
    parity_0 <= parity_11;
    parity_1 <= parity_0;
    parity_2 <= parity_1;
    parity_3 <= parity_2;
    parity_4 <= parity_3;
    parity_5 <= parity_4;
    parity_6 <= parity_5;
    parity_7 <= parity_6;
    parity_8 <= parity_7;
    parity_9 <= parity_8;
    parity_10 <= parity_9;
    parity <= parity_10;
    if (rst) begin
      select <= 2'd0;
      take_weights_0 <= 1'b0;
      take_weights_1 <= 1'b0;
      take_weights_2 <= 1'b0;
      take_weights_3 <= 1'b0;
      take_weights_4 <= 1'b0;
      take_weights_5 <= 1'b0;
      take_weights_6 <= 1'b0;
      weights_next <= 1'b0;
      release_0 <= 1'b0;
      release_1 <= 1'b0;
      release_2 <= 1'b0;
      release_3 <= 1'b0;
      release_4 <= 1'b0;
      release_5 <= 1'b0;
      release_ <= 1'b0;
      ahead_0 <= 2'd0;
      ahead_1 <= 2'd0;
      ahead_2 <= 2'd0;
      ahead_3 <= 2'd0;
      ahead_4 <= 2'd0;
      ahead_5 <= 2'd0;
      ahead_6 <= 2'd0;
      flush <= 2'd3;
      frame_0 <= 4'd0;
      frame_1 <= 4'd0;
      frame_2 <= 4'd0;
      frame_3 <= 4'd0;
      frame_4 <= 4'd0;
      frame_5 <= 4'd0;
      frame_6 <= 4'd0;
      frame_7 <= 4'd0;
      frame_last_0 <= 4'd0;
      parity_0 <= 1'b0;
      parity_1 <= 1'b0;
      parity_2 <= 1'b0;
      parity_3 <= 1'b0;
      parity_4 <= 1'b0;
      parity_5 <= 1'b0;
      parity_6 <= 1'b0;
      parity_7 <= 1'b0;
      parity_8 <= 1'b0;
      parity_9 <= 1'b0;
      parity_10 <= 1'b0;
      parity <= 1'b0;
    end
  end

  // Parts.
  // Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.
  hdlgen_tiny__engine__loader loader (
    .clk(clk),
    .rst(rst),
    .data(data),
    .valid(valid),
    .last(last),
    .ready(s_ready),
    .loaded(loaded),
    .write_enable(input_enable),
    .take(take),
    .row_soon(row_soon),
    .release_(release_),
    .frame_error(frame_error),
    .write_address(input_address),
    .write_data(input_data)
  );

  // A block for every lane, with as many columns as Program.columns says; which lie where,
  // Program.word_values.
  hdlgen_tiny__engine__activations activations (
    .clk(clk),
    .rst(rst),
    .input_enable(input_enable),
    .i(row_next),
    .input_address(input_address),
    .input_data(input_data),
    .read_data(i),
    .read_address(read_address),
    .value_10(value_10),
    .value_11(value_11),
    .value_12(value_12),
    .value_13(value_13),
    .value_14(value_14),
    .row_valid(row_valid),
    .row_enable(row_enable)
  );

  // Issues the blocks of all transitions, one per cycle, keeping up to two frames in flight.
  hdlgen_tiny__engine__sequencer sequencer (
    .clk(clk),
    .rst(rst),
    .done(done),
    .loaded(loaded),
    .valid(valid_2),
    .take(take),
    .sent(sent),
    .counter(counter),
    .first(first),
    .last(last_2),
    .job(request__payload),
    .parity(parity_11)
  );

  // Source rows and lane exchange of consecutive blocks.
  hdlgen_tiny__engine__walker walker (
    .clk(clk),
    .rst(rst),
    .valid(valid_2),
    .counter(counter),
    .first(first),
    .job(request__payload),
    .address(read_address),
    .exchange(exchange)
  );

  // Marks the block that completes a sum, for every group of lanes.
  hdlgen_tiny__engine__framer framer (
    .clk(clk),
    .rst(rst),
    .valid(valid_2),
    .counter(counter),
    .last(last_2),
    .job(request__payload),
    .o_valid(o_valid),
    .o_final(o_final),
    .o_job(o_job),
    .flush(flush_2)
  );

  // Lane j takes the value of lane j XOR select * 2^lowest.
  hdlgen_tiny__engine__exchange_170 exchange_2 (
    .clk(clk),
    .select(select),
    .i(i),
    .lane_1_0(value_2),
    .lane_1_1(value_3),
    .lane_1_2(value_4),
    .lane_1_3(value_5)
  );

  // One sum per lane: sum' = sum + product, and out it goes with flush.
  hdlgen_tiny__engine__accumulators accumulators (
    .clk(clk),
    .i_2(i_2),
    .total_0(value_6),
    .total_1(value_7),
    .total_2(value_8),
    .total_3(value_9),
    .i(flush)
  );

  // Carries finished sums away from the lanes.
  hdlgen_tiny__engine__drain drain (
    .clk(clk),
    .rst(rst),
    .value_6(value_6),
    .value_7(value_7),
    .value_8(value_8),
    .value_9(value_9),
    .row_soon(row_soon),
    .row_next(row_next),
    .i(frame_7[1]),
    .frame_last_0(frame_last_0),
    .parity(parity),
    .partial_result(write_enable),
    .partial_value(write_value),
    .partial_position(write_position),
    .end_(end_),
    .end_job(end_job),
    .gathered_0(value_10),
    .gathered_1(value_11),
    .gathered_2(value_12),
    .gathered_3(value_13),
    .done(done_2),
    .done_parity(done_parity),
    .address_2(value_14),
    .row_valid(row_valid),
    .row_enable(row_enable)
  );

  // Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.
  hdlgen_tiny__engine__results results (
    .clk(clk),
    .rst(rst),
    .ready(ready),
    .start(start),
    .sent(sent),
    .write_enable(write_enable),
    .write_value(write_value),
    .write_position(write_position),
    .valid(m_valid),
    .result(value_15),
    .last(m_last)
  );

  hdlgen_tiny_multiplier multiplier (
    .clk(clk),
    .a({value_5, value_4, value_3, value_2}),
    .w(w),
    .p(i_2)
  );

  // Nobody reads these.
  wire unused = &{1'b0, frame_7[2], frame_last_0[2], frame_0[2], frame_1[2], frame_2[2], frame_3[2],
      frame_4[2], frame_5[2], frame_6[2]};
endmodule

// Takes frames from an AXI4-Stream and writes every element to the bank or banks that hold it.
module hdlgen_tiny__engine__loader (
  input wire clk,
  input wire rst,
  input wire [7:0] data,
  input wire valid,
  input wire last,
  output wire ready,
  output wire loaded,
  output wire [3:0] write_enable,
  input wire take,
  input wire row_soon,
  input wire release_,
  output reg frame_error,
  output reg [1:0] write_address,
  output reg [7:0] write_data
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
  reg [5:0] following;
  reg marked;
  reg [3:0] register_5;
  reg [3:0] late_lane;
  reg [7:0] register_6;
  reg [7:0] spare;
  reg register_7;
  reg spare_last;
  reg [2:0] beats_left;
  reg final_beat;
  reg ending_late;
  reg taken;
  reg [1:0] reach;
  reg shared;
  reg last_bank;
  reg [2:0] flags_2;
  reg [7:0] chosen_0;
  reg [5:0] value;

  // After power-on.
  initial begin
    register_3 = 1'b0;
    spare_held = 1'b0;
    register_6 = 8'd0;
    register_7 = 1'b0;
    spare = 8'd0;
    spare_last = 1'b0;
    beats_left = 3'd7;
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
    following = 6'd34;
    last_bank = 1'b0;
    shared = 1'b0;
    register_5 = 4'd0;
    flags_2 = 3'd0;
    marked = 1'b0;
    late_lane = 4'd1;
    write_address = 2'd0;
    chosen_0 = 8'd0;
    write_data = 8'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire [2:0] o;

  // Logic.
  assign ready = ~spare_held;
  wire [1:0] difference = (occupied + {1'b0, register}) - {1'b0, release_};
  assign loaded = register_2 != 2'd0;
  wire step = (register_3 & (~stop)) & (~register_4);
  wire finished = (step & beat_full) | ((register_3 & dropping) & (~register_4));
  wire bank_end = step & bank_full;
  wire [2:0] i = rst ? 3'd0 : {register_5[3], register_5[1], marked};
  assign write_enable = late_lane & {4{o[0]}};
  wire either = finished | (~register_3);
  wire inverse = ~spare_held;
  wire both = finished & (~dropping);
  wire either_2 = ((following[1:0] > 2'd1) | ((following[1:0] == 2'd1) & (following[2] == 1'b0))) |
      following[3];

  always @* begin
    if (wake) begin end
    value = 6'd0;
    case (following[5:4])
      2'd0: value = 6'd18;
      2'd1: value = 6'd34;
      2'd2: value = 6'd50;
      2'd3: value = 6'd10;
      default: ;
    endcase
  end

  always @(posedge clk) begin
    register_3 <= ((register_3 & (~finished)) | spare_held) | valid;
    spare_held <= ((spare_held | valid) & register_3) & (~finished);
    register_4 <= (finished & (~dropping)) & (register_7 | final_beat);
    register <= ((finished & (~dropping)) & register_7) & final_beat;
    ending_late <= ~register_7;
    register_2 <= (register_2 + {1'b0, register}) - {1'b0, take};
    occupied <= difference;
    stop <= (((difference == 2'd1) | dropping) | (register_4 & ending_late)) | row_soon;
    register_5 <= {register_4, 1'b0, (bank_end | register_4), step};
    flags_2 <= register_5[2:0];
    marked <= taken & step;
    if (rst) begin
      register_3 <= 1'b0;
      spare_held <= 1'b0;
      register_4 <= 1'b0;
      register <= 1'b0;
      ending_late <= 1'b0;
      register_2 <= 2'd0;
      occupied <= 2'd0;
      stop <= 1'b0;
      register_5 <= 4'd0;
      flags_2 <= 3'd0;
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
      beats_left <= beats_left - 3'd1;
      final_beat <= beats_left == 3'd1;
    end
    if (register_4) begin
      beats_left <= 3'd7;
      final_beat <= 1'b0;
    end
    if (rst) begin
      beats_left <= 3'd7;
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
      following <= 6'd34;
      last_bank <= 1'b0;
      shared <= 1'b0;
    end
    if (rst) begin
      following <= 6'd34;
      last_bank <= 1'b0;
      shared <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (o[1]) begin
      late_lane[0] <= o[2] ? 1'b1 : late_lane[3];
      late_lane[1] <= o[2] ? 1'b0 : late_lane[0];
      late_lane[2] <= o[2] ? 1'b0 : late_lane[1];
      late_lane[3] <= o[2] ? 1'b0 : late_lane[2];
    end
    if (rst) late_lane <= 4'd1;
  end

  always @(posedge clk) begin
    if (flags_2[0]) write_address <= write_address + 2'd1;
    if (flags_2[1]) write_address <= flags_2[2] ? 2'd2 : 2'd0;
    if (rst) write_address <= 2'd0;
  end

  always @(posedge clk) begin
    chosen_0 <= register_6;
    write_data <= chosen_0;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__loader__here here (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__loader__here (
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

// A block for every lane, with as many columns as Program.columns says; which lie where, Program.word_values.
module hdlgen_tiny__engine__activations (
  input wire clk,
  input wire rst,
  input wire [3:0] input_enable,
  input wire i,
  input wire [1:0] input_address,
  input wire [7:0] input_data,
  output wire [31:0] read_data,
  input wire [1:0] read_address,
  input wire [7:0] value_10,
  input wire [7:0] value_11,
  input wire [7:0] value_12,
  input wire [7:0] value_13,
  input wire [1:0] value_14,
  input wire row_valid,
  input wire [3:0] row_enable
);

  // Registers, and values that blocks compute.
  reg enable_0;
  reg enable_1;
  reg enable_2;
  reg enable_3;
  reg [7:0] data_0;
  reg [7:0] data_1;
  reg [7:0] data_2;
  reg [7:0] data_3;

  // After power-on.
  initial begin
    data_0 = 8'd0;
    enable_0 = 1'b0;
    data_1 = 8'd0;
    enable_1 = 1'b0;
    data_2 = 8'd0;
    enable_2 = 1'b0;
    data_3 = 8'd0;
    enable_3 = 1'b0;
  end

  // What the parts give.
  wire [1:0] write_address;
  wire [31:0] read_data_2;
  wire o;

  // Logic.
  wire [1:0] i_2 = row_valid ? value_14 : input_address;
  assign read_data = read_data_2;

  always @(posedge clk) begin
    data_0 <= o ? value_10 : input_data;
    data_1 <= o ? value_11 : input_data;
    data_2 <= o ? value_12 : input_data;
    data_3 <= o ? value_13 : input_data;
  end

  always @(posedge clk) begin
    enable_0 <= |{row_enable[0], input_enable[0]};
    enable_1 <= |{row_enable[1], input_enable[1]};
    enable_2 <= |{row_enable[2], input_enable[2]};
    enable_3 <= |{row_enable[3], input_enable[3]};
    if (rst) begin
      enable_0 <= 1'b0;
      enable_1 <= 1'b0;
      enable_2 <= 1'b0;
      enable_3 <= 1'b0;
    end
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__activations__fanout fanout (
    .clk(clk),
    .i(i),
    .copies(o)
  );

  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__activations__address address (
    .clk(clk),
    .i(i_2),
    .copies(write_address)
  );

  hdlgen_tiny_activations_4 blocks_0 (
    .clk(clk),
    .write_enable({enable_3, enable_2, enable_1, enable_0}),
    .write_address(write_address),
    .write_data({data_3, data_2, data_1, data_0}),
    .read_address(read_address),
    .read_data(read_data_2)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__activations__fanout (
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

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__activations__address (
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
module hdlgen_tiny__engine__sequencer (
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
  output reg job,
  output reg parity
);

  // Registers, and values that blocks compute.
  reg register;
  reg register_2;
  reg register_3;
  reg register_4;
  reg [1:0] waiting;
  reg older_parity;
  reg register_5;
  reg [1:0] unsent;
  reg newer;
  reg newer_next;
  reg chosen_newer;
  reg chosen_job;
  reg register_6;
  reg chosen_waits;
  reg [1:0] left;

  // After power-on.
  initial begin
    register_2 = 1'b0;
    chosen_newer = 1'b0;
    register_3 = 1'b0;
    chosen_job = 1'b0;
    register_6 = 1'b0;
    chosen_waits = 1'b0;
    waiting = 2'd0;
    unsent = 2'd0;
    counter = 2'd0;
    first = 1'b0;
    left = 2'd0;
    last = 1'b0;
    register = 1'b0;
    job = 1'b0;
    parity = 1'b0;
    newer = 1'b0;
    newer_next = 1'b0;
    register_4 = 1'b0;
    register_5 = 1'b0;
    older_parity = 1'b0;
  end

  // Logic.
  wire start = register_2 & ((~register) | (register & last));
  assign take = start & register_3;
  wire following_job = ((register_4 & (~(waiting[older_parity]))) & ((register_5 != 1'b1) | (unsent < 2'd2)))
      ? register_5 : 1'b0;
  wire either = ((register_4 & (~(waiting[older_parity]))) & ((register_5 != 1'b1) | (unsent < 2'd2))) |
      ((loaded & (~newer)) & (~register_4));
  wire both = (~((register_4 & (~(waiting[older_parity]))) & ((register_5 != 1'b1) | (unsent < 2'd2)))) &
      (~1'b0);
  wire chosen = ((register_4 & (~(waiting[older_parity]))) & ((register_5 != 1'b1) | (unsent < 2'd2))) ?
      older_parity : (register_4 ^ older_parity);
  wire both_2 = register_2 & (~start);
  wire [1:0] value = !chosen_job ? 2'd3 : 2'd3;
  wire [1:0] value_2 = !chosen_job ? 2'd3 : 2'd3;
  assign valid = register;

  always @(posedge clk) begin
    register_2 <= (either & (~start)) & (~register_2);
    chosen_newer <= 1'b0;
    register_3 <= both;
    chosen_job <= following_job;
    register_6 <= chosen;
    chosen_waits <= following_job != 1'b1;
    if (both_2) begin
      register_2 <= 1'b1;
      chosen_newer <= chosen_newer;
      register_3 <= register_3;
      chosen_job <= chosen_job;
      register_6 <= register_6;
      chosen_waits <= chosen_waits;
    end
    if (rst) begin
      register_2 <= 1'b0;
      chosen_newer <= 1'b0;
      register_3 <= 1'b0;
      chosen_job <= 1'b0;
      register_6 <= 1'b0;
      chosen_waits <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (done[0]) waiting[0] <= 1'b0;
    if (done[1]) waiting[1] <= 1'b0;
    if (start) begin
      if (chosen_waits & (register_6 == 1'b0)) waiting[0] <= 1'b1;
      if (chosen_waits & (register_6 == 1'b1)) waiting[1] <= 1'b1;
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
      job <= chosen_job;
      parity <= register_6;
      if (register_3) begin
        if (register_4) begin
          newer <= 1'b1;
          newer_next <= 1'b1;
        end
        else begin
          register_4 <= 1'b1;
          register_5 <= 1'b1;
        end
      end
      else if (chosen_newer) newer_next <= newer_next + 1'b1;
      else if (chosen_waits) register_5 <= register_5 + 1'b1;
      else begin
        newer <= 1'b0;
        register_4 <= newer;
        register_5 <= newer_next;
        older_parity <= ~older_parity;
      end
    end
    if (rst) begin
      job <= 1'b0;
      parity <= 1'b0;
      newer <= 1'b0;
      newer_next <= 1'b0;
      register_4 <= 1'b0;
      register_5 <= 1'b0;
      older_parity <= 1'b0;
    end
  end
endmodule

// Source rows and lane exchange of consecutive blocks.
module hdlgen_tiny__engine__walker (
  input wire clk,
  input wire rst,
  input wire valid,
  input wire [1:0] counter,
  input wire first,
  input wire job,
  output reg [1:0] address,
  output reg [1:0] exchange
);

  // Registers, and values that blocks compute.
  reg [1:0] exchange4;
  reg [1:0] bases;
  reg register;
  reg [1:0] zeros;
  reg register_2;
  reg first1;
  reg job1;
  reg buffer1;
  reg [2:0] step;
  reg register_3;
  reg first2;
  reg register_4;
  reg buffer2;
  reg [2:0] state;
  reg register_5;
  reg buffer3;

  // After power-on.
  initial begin
    zeros = 2'd0;
    register_2 = 1'b0;
    first1 = 1'b0;
    job1 = 1'b0;
    buffer1 = 1'b0;
    step = 3'd0;
    register_3 = 1'b0;
    first2 = 1'b0;
    register_4 = 1'b0;
    buffer2 = 1'b0;
    state = 3'd0;
    register_5 = 1'b0;
    buffer3 = 1'b0;
    register = 1'b0;
    exchange4 = 2'd0;
    bases = 2'd0;
    address = 2'd0;
    exchange = 2'd0;
  end

  // Logic.
  wire value = !register_5 ? state[0] : 1'b0;
  wire [1:0] value_2 = !register_5 ? ((buffer3 ? 2'd2 : 2'd0)) : 2'd2;
  wire [1:0] trailing = counter[0] ? 2'd0 : counter[1] ? 2'd1 : 2'd0;

  always @(posedge clk) begin
    zeros <= trailing;
    register_2 <= valid;
    first1 <= first;
    job1 <= job;
    buffer1 <= 1'b0;
    register_3 <= register_2;
    first2 <= first1;
    register_4 <= job1;
    buffer2 <= buffer1;
    register_5 <= register_4;
    buffer3 <= buffer2;
    register <= value;
    exchange4 <= state[2:1];
    bases <= value_2;
    exchange <= exchange4;
    if (rst) begin
      zeros <= 2'd0;
      register_2 <= 1'b0;
      first1 <= 1'b0;
      job1 <= 1'b0;
      buffer1 <= 1'b0;
      register_3 <= 1'b0;
      first2 <= 1'b0;
      register_4 <= 1'b0;
      buffer2 <= 1'b0;
      register_5 <= 1'b0;
      buffer3 <= 1'b0;
      register <= 1'b0;
      exchange4 <= 2'd0;
      bases <= 2'd0;
      exchange <= 2'd0;
    end
  end

  always @(posedge clk) begin
    case ({job1, zeros})
      3'd0: step <= 3'd5;
      3'd1: step <= 3'd7;
      3'd4: step <= 3'd2;
      3'd5: step <= 3'd4;
      default: step <= 3'd0;
    endcase
    if (rst) step <= 3'd0;
  end

  always @(posedge clk) begin
    if (first2) state <= 3'd0;
    else if (register_3) state <= state ^ step;
    if (rst) state <= 3'd0;
  end

  always @(posedge clk) begin
    address <= bases + {1'b0, register};
  end
endmodule

// Marks the block that completes a sum, for every group of lanes.
module hdlgen_tiny__engine__framer (
  input wire clk,
  input wire rst,
  input wire valid,
  input wire [1:0] counter,
  input wire last,
  input wire job,
  output reg o_valid,
  output reg o_final,
  output reg o_job,
  output reg flush
);

  // Registers, and values that blocks compute.
  reg valid1;
  reg last1;
  reg end1;
  reg job1;
  reg valid2;
  reg last2;
  reg end2;
  reg job2;

  // After power-on.
  initial begin
    valid1 = 1'b0;
    last1 = 1'b0;
    end1 = 1'b0;
    job1 = 1'b0;
    valid2 = 1'b0;
    last2 = 1'b0;
    end2 = 1'b0;
    job2 = 1'b0;
    o_valid = 1'b0;
    o_final = 1'b0;
    o_job = 1'b0;
    flush = 1'b0;
  end

  // Logic.
  wire value = !job ? (&counter) : (&counter);
  wire value_2 = !job2 ? 1'b1 : 1'b1;
  wire complete_0 = job2 == 1'b1 ? ({1'b0, value_2} >= 2'd1) : job2 == 1'b0 ? ({1'b0, value_2} >= 2'd1) :
      1'b0;

  always @(posedge clk) begin
    valid1 <= valid;
    last1 <= last;
    end1 <= value;
    job1 <= job;
    valid2 <= valid1;
    last2 <= last1;
    end2 <= end1;
    job2 <= job1;
    o_valid <= valid2;
    o_final <= valid2 & last2;
    o_job <= job2;
    flush <= (valid2 & end2) & (complete_0 | last2);
    if (rst) begin
      valid1 <= 1'b0;
      last1 <= 1'b0;
      end1 <= 1'b0;
      job1 <= 1'b0;
      valid2 <= 1'b0;
      last2 <= 1'b0;
      end2 <= 1'b0;
      job2 <= 1'b0;
      o_valid <= 1'b0;
      o_final <= 1'b0;
      o_job <= 1'b0;
      flush <= 1'b0;
    end
  end
endmodule

// Lane j takes the value of lane j XOR select * 2^lowest.
module hdlgen_tiny__engine__exchange_170 (
  input wire clk,
  input wire [1:0] select,
  input wire [31:0] i,
  output reg [7:0] lane_1_0,
  output reg [7:0] lane_1_1,
  output reg [7:0] lane_1_2,
  output reg [7:0] lane_1_3
);

  // Registers, and values that blocks compute.
  reg select_0;
  reg [7:0] lane_0_0;
  reg [7:0] lane_0_1;
  reg [7:0] lane_0_2;
  reg [7:0] lane_0_3;

  // After power-on.
  initial begin
    lane_0_0 = 8'd0;
    lane_0_1 = 8'd0;
    lane_0_2 = 8'd0;
    lane_0_3 = 8'd0;
    select_0 = 1'b0;
    lane_1_0 = 8'd0;
    lane_1_1 = 8'd0;
    lane_1_2 = 8'd0;
    lane_1_3 = 8'd0;
  end

  // What the parts give.
  wire o;
  wire o_2;

  always @(posedge clk) begin
    lane_0_0 <= o ? i[15:8] : i[7:0];
    lane_0_1 <= o ? i[7:0] : i[15:8];
    lane_0_2 <= o ? i[31:24] : i[23:16];
    lane_0_3 <= o ? i[23:16] : i[31:24];
    select_0 <= select[1];
    lane_1_0 <= o_2 ? lane_0_2 : lane_0_0;
    lane_1_1 <= o_2 ? lane_0_3 : lane_0_1;
    lane_1_2 <= o_2 ? lane_0_0 : lane_0_2;
    lane_1_3 <= o_2 ? lane_0_1 : lane_0_3;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__exchange_170__fanout_0 fanout_0 (
    .clk(clk),
    .i(select[0]),
    .copies(o)
  );

  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__exchange_170__fanout_1 fanout_1 (
    .clk(clk),
    .i(select_0),
    .copies(o_2)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__exchange_170__fanout_0 (
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

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__exchange_170__fanout_1 (
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
module hdlgen_tiny__engine__accumulators (
  input wire clk,
  input wire [63:0] i_2,
  output wire [17:0] total_0,
  output wire [17:0] total_1,
  output wire [17:0] total_2,
  output wire [17:0] total_3,
  input wire [1:0] i
);

  // Registers, and values that blocks compute.
  reg [17:0] sum_0;
  reg [15:0] product_0;
  reg [17:0] sum_1;
  reg [15:0] product_1;
  reg [17:0] sum_2;
  reg [15:0] product_2;
  reg [17:0] sum_3;
  reg [15:0] product_3;

  // After power-on.
  initial begin
    product_0 = 16'd0;
    sum_0 = 18'd0;
    product_1 = 16'd0;
    sum_1 = 18'd0;
    product_2 = 16'd0;
    sum_2 = 18'd0;
    product_3 = 16'd0;
    sum_3 = 18'd0;
  end

  // What the parts give.
  wire [1:0] o;

  // Logic.
  wire [17:0] sum = sum_0 + {{2{product_0[15]}}, product_0};
  wire [17:0] sum_4 = sum_1 + {{2{product_1[15]}}, product_1};
  wire [17:0] sum_5 = sum_2 + {{2{product_2[15]}}, product_2};
  wire [17:0] sum_6 = sum_3 + {{2{product_3[15]}}, product_3};
  assign total_0 = sum;
  assign total_1 = sum_4;
  assign total_2 = sum_5;
  assign total_3 = sum_6;

  always @(posedge clk) begin
    product_0 <= i_2[15:0];
    product_1 <= i_2[31:16];
    product_2 <= i_2[47:32];
    product_3 <= i_2[63:48];
  end

  always @(posedge clk) begin
    if (o[0]) begin
      sum_0 <= sum;
      sum_1 <= sum_4;
      sum_2 <= sum_5;
      sum_3 <= sum_6;
    end
    if (o[1]) begin
      sum_0 <= 18'd0;
      sum_1 <= 18'd0;
      sum_2 <= 18'd0;
      sum_3 <= 18'd0;
    end
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__accumulators__fanout fanout (
    .clk(clk),
    .i(i),
    .copies(o)
  );
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__accumulators__fanout (
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

// Carries finished sums away from the lanes.
module hdlgen_tiny__engine__drain (
  input wire clk,
  input wire rst,
  input wire [17:0] value_6,
  input wire [17:0] value_7,
  input wire [17:0] value_8,
  input wire [17:0] value_9,
  output wire row_soon,
  output wire row_next,
  input wire i,
  input wire [3:0] frame_last_0,
  input wire parity,
  output reg partial_result,
  output reg [17:0] partial_value,
  output reg [1:0] partial_position,
  output reg end_,
  output reg end_job,
  output reg [7:0] gathered_0,
  output reg [7:0] gathered_1,
  output reg [7:0] gathered_2,
  output reg [7:0] gathered_3,
  output reg done,
  output reg done_parity,
  output reg [1:0] address_2,
  output reg row_valid,
  output reg [3:0] row_enable
);

  // Registers, and values that blocks compute.
  reg [1:0] position_0;
  reg [1:0] address;
  reg [17:0] i_2;
  reg job;
  reg written_0;
  reg [1:0] row_2;
  reg [1:0] row_4;
  reg at_end_0;
  reg active_0;
  reg job_0;
  reg final_0;
  reg parity_0;
  reg [17:0] held_0;
  reg [17:0] held_1;
  reg [17:0] held_2;
  reg [17:0] held_3;
  reg fresh_0;
  reg job_late_0_0;
  reg [17:0] value_late_0_0;
  reg done_0;
  reg done_parity_0;
  reg [1:0] row_0;
  reg [1:0] row_place_0;
  reg [1:0] row_base_0;
  reg [1:0] row_1;
  reg [1:0] row_place_1;
  reg [1:0] row_place_2;
  reg [1:0] row_3;
  reg [1:0] row_place_3;
  reg [1:0] row_place_4;
  reg value;
  reg value_2;

  // After power-on.
  initial begin
    at_end_0 = 1'b0;
    position_0 = 2'd0;
    active_0 = 1'b0;
    written_0 = 1'b0;
    job_0 = 1'b0;
    final_0 = 1'b0;
    parity_0 = 1'b0;
    held_0 = 18'd0;
    held_1 = 18'd0;
    held_2 = 18'd0;
    held_3 = 18'd0;
    partial_result = 1'b0;
    partial_value = 18'd0;
    partial_position = 2'd0;
    end_ = 1'b0;
    end_job = 1'b0;
    address = 2'd0;
    fresh_0 = 1'b1;
    job_late_0_0 = 1'b0;
    value_late_0_0 = 18'd0;
    job = 1'b0;
    i_2 = 18'd0;
    gathered_0 = 8'd0;
    gathered_1 = 8'd0;
    gathered_2 = 8'd0;
    gathered_3 = 8'd0;
    done_0 = 1'b0;
    done_parity_0 = 1'b0;
    done = 1'b0;
    done_parity = 1'b0;
    row_0 = 2'd0;
    row_place_0 = 2'd0;
    row_base_0 = 2'd0;
    row_1 = 2'd0;
    row_place_1 = 2'd0;
    row_2 = 2'd0;
    row_place_2 = 2'd0;
    row_3 = 2'd0;
    row_place_3 = 2'd0;
    row_4 = 2'd0;
    row_place_4 = 2'd0;
    address_2 = 2'd0;
    row_valid = 1'b0;
    row_enable = 4'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire [9:0] bias;
  wire o;
  wire [7:0] o_2;

  // Logic.
  wire load_0 = |frame_last_0[1];
  assign row_soon = |row_2[0];
  assign row_next = |row_4[0];
  wire [1:0] value_3 = !frame_last_0[3] ? 2'd0 : 2'd0;
  wire [1:0] value_4 = !job_0 ? 2'd2 : 2'd0;

  always @* begin
    if (wake) begin end
    value = 1'b0;
    case (position_0)
      2'd0: value = written_0;
      2'd1: value = written_0;
      2'd2: value = written_0;
      2'd3: value = written_0;
      default: ;
    endcase
  end

  always @* begin
    if (wake) begin end
    value_2 = 1'b0;
    case (position_0)
      2'd0: value_2 = written_0;
      2'd1: value_2 = written_0;
      2'd2: value_2 = written_0;
      2'd3: value_2 = written_0;
      default: ;
    endcase
  end

  always @(posedge clk) begin
    at_end_0 <= active_0 & (position_0 == 2'd2);
    partial_result <= (active_0 & value) & (job_0 == 1'b1);
    end_ <= at_end_0 & final_0;
    end_job <= job_0;
    job_late_0_0 <= job_0;
    job <= job_late_0_0;
    done_0 <= (at_end_0 & final_0) & (~(job_0 == 1'b1));
    done_parity_0 <= parity_0;
    done <= done_0;
    done_parity <= done_parity_0;
    row_0 <= {written_0, (at_end_0 & (~(job_0 == 1'b1)))};
    row_place_0 <= 2'd0;
    row_base_0 <= value_4;
    row_1 <= row_0;
    row_place_1 <= row_place_0 + row_base_0;
    row_2 <= row_1;
    row_place_2 <= row_place_1;
    row_3 <= row_2;
    row_place_3 <= row_place_2;
    row_4 <= row_3;
    row_place_4 <= row_place_3;
    row_valid <= row_next;
    row_enable <= {(row_4[0] & row_4[1]), (row_4[0] & row_4[1]), (row_4[0] & row_4[1]), (row_4[0] &
        row_4[1])};
    if (rst) begin
      at_end_0 <= 1'b0;
      partial_result <= 1'b0;
      end_ <= 1'b0;
      end_job <= 1'b0;
      job_late_0_0 <= 1'b0;
      job <= 1'b0;
      done_0 <= 1'b0;
      done_parity_0 <= 1'b0;
      done <= 1'b0;
      done_parity <= 1'b0;
      row_0 <= 2'd0;
      row_place_0 <= 2'd0;
      row_base_0 <= 2'd0;
      row_1 <= 2'd0;
      row_place_1 <= 2'd0;
      row_2 <= 2'd0;
      row_place_2 <= 2'd0;
      row_3 <= 2'd0;
      row_place_3 <= 2'd0;
      row_4 <= 2'd0;
      row_place_4 <= 2'd0;
      row_valid <= 1'b0;
      row_enable <= 4'd0;
    end
  end

  always @(posedge clk) begin
    position_0 <= position_0 + 2'd1;
    if (load_0) begin
      position_0 <= 2'd0;
      written_0 <= frame_last_0[1];
      job_0 <= frame_last_0[3];
      final_0 <= frame_last_0[0];
      parity_0 <= parity;
      fresh_0 <= frame_last_0[0];
    end
    if (rst) begin
      position_0 <= 2'd0;
      written_0 <= 1'b0;
      job_0 <= 1'b0;
      final_0 <= 1'b0;
      parity_0 <= 1'b0;
      fresh_0 <= 1'b1;
    end
  end

  always @(posedge clk) begin
    if (at_end_0) active_0 <= 1'b0;
    if (load_0) active_0 <= 1'b1;
    if (rst) active_0 <= 1'b0;
  end

  always @(posedge clk) begin
    held_0 <= o ? value_6 : held_1;
    held_1 <= o ? value_7 : held_2;
    held_2 <= o ? value_8 : held_3;
    held_3 <= o ? value_9 : held_3;
    partial_value <= held_0;
    partial_position <= position_0;
    value_late_0_0 <= held_0;
    i_2 <= value_late_0_0;
    gathered_0 <= gathered_1;
    gathered_1 <= gathered_2;
    gathered_2 <= gathered_3;
    gathered_3 <= o_2;
    address_2 <= row_place_4;
  end

  always @(posedge clk) begin
    if (((active_0 & value_2) & (~1'b0)) & (~(job_0 == 1'b1))) address <= address + 2'd1;
    if (load_0) begin
      if (fresh_0) address <= value_3;
    end
    if (rst) address <= 2'd0;
  end

  // Parts.
  // One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
  hdlgen_tiny__engine__drain__fanout fanout (
    .clk(clk),
    .i(i),
    .copies(o)
  );

  // o = clamp((i + bias + round) >> shift, 0, 2^bits - 1) with the shift and width of transition job.
  hdlgen_tiny__engine__drain__requantiser_0 requantiser_0 (
    .clk(clk),
    .rst(rst),
    .bias(bias),
    .job(job),
    .i(i_2),
    .o(o_2)
  );

  hdlgen_tiny_bias_0 bias_0 (
    .clk(clk),
    .enable(1'b1),
    .output_enable(1'b1),
    .address(address),
    .data(bias)
  );

  // Nobody reads these.
  wire unused = &{1'b0, frame_last_0[2]};
endmodule

// One register in several copies, each near the loads that it drives: every copy in o is i one cycle later.
module hdlgen_tiny__engine__drain__fanout (
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

// o = clamp((i + bias + round) >> shift, 0, 2^bits - 1) with the shift and width of transition job.
module hdlgen_tiny__engine__drain__requantiser_0 (
  input wire clk,
  input wire rst,
  input wire [9:0] bias,
  input wire job,
  input wire [17:0] i,
  output reg [7:0] o
);

  // Registers, and values that blocks compute.
  reg [12:0] total;
  reg register;
  reg job2;
  reg [7:0] window;
  reg register_2;
  reg under;

  // After power-on.
  initial begin
    total = 13'd0;
    register = 1'b0;
    job2 = 1'b0;
    window = 8'd0;
    register_2 = 1'b0;
    under = 1'b0;
    o = 8'd0;
  end

  // Logic.
  wire [18:0] sum = {i[17], i} + {{9{bias[9]}}, bias};
  wire value = !register ? (|{{5{total[12]}}, total[12:8]}) : 1'b0;
  wire [7:0] value_2 = !job2 ? 8'd255 : 8'd0;

  always @(posedge clk) begin
    total <= sum[18:6];
  end

  always @(posedge clk) begin
    register <= job;
    job2 <= register;
    register_2 <= value;
    under <= total[12];
    o <= under ? 8'd0 : (register_2 ? value_2 : window);
    if (rst) begin
      register <= 1'b0;
      job2 <= 1'b0;
      register_2 <= 1'b0;
      under <= 1'b0;
      o <= 8'd0;
    end
  end

  always @(posedge clk) begin
    window <= 8'd0;
    if (!register) window <= total[7:0];
  end

  // Nobody reads these.
  wire unused = &{1'b0, sum[5:0]};
endmodule

// Stores the output layer's sums of up to two frames and sends them, bias added, result 0 first.
module hdlgen_tiny__engine__results (
  input wire clk,
  input wire rst,
  input wire ready,
  input wire start,
  output wire sent,
  input wire write_enable,
  input wire [17:0] write_value,
  input wire [1:0] write_position,
  output reg valid,
  output reg [17:0] result,
  output reg last
);

  // Registers, and values that blocks compute.
  reg write_half;
  reg read_half;
  reg [1:0] frames;
  reg [17:0] register;
  reg [1:0] number;
  reg active_1;
  reg ends_1;
  reg last_1;
  reg [17:0] register_2;
  reg [9:0] bias;
  reg register_3;
  reg active_0;
  reg ends_0;
  reg last_0;
  reg register_4;
  reg last_1_2;
  reg [17:0] spare;
  reg spare_last;
  reg [9:0] value;

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
    bias = 10'd0;
    register_4 = 1'b0;
    last_1_2 = 1'b0;
    register_2 = 18'd0;
    register = 18'd0;
    valid = 1'b0;
    register_3 = 1'b0;
    result = 18'd0;
    last = 1'b0;
    spare = 18'd0;
    spare_last = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // What the parts give.
  wire [1:0] read_lane;
  wire [17:0] o;
  wire last_2;
  wire ends;

  // Logic.
  wire read_enable = ~register_3;
  wire step = (frames != 2'd0) & read_enable;
  wire [17:0] sum = register + o;
  wire [17:0] sum_2 = register_2 + {{8{bias[9]}}, bias};
  assign sent = (valid & ready) & last;
  wire either = (~valid) | ready;
  wire [1:0] following = (read_enable & active_1) & ends_1 ? ((last_1 ? 2'd0 : (number + 2'd1))) : number;

  always @* begin
    if (wake) begin end
    value = 10'd0;
    case (number)
      2'd0: value = 10'd425;
      2'd1: value = 10'd202;
      2'd2: value = 10'd925;
      2'd3: value = 10'd529;
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
      if (active_1) register <= ends_1 ? 18'd0 : sum;
    end
    if (rst) begin
      active_0 <= 1'b0;
      ends_0 <= 1'b0;
      last_0 <= 1'b0;
      active_1 <= 1'b0;
      ends_1 <= 1'b0;
      last_1 <= 1'b0;
      bias <= 10'd0;
      register_4 <= 1'b0;
      last_1_2 <= 1'b0;
      register_2 <= 18'd0;
      register <= 18'd0;
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
  hdlgen_tiny__engine__results__order order (
    .clk(clk),
    .rst(rst),
    .step(step),
    .lane(read_lane),
    .ends(ends),
    .last(last_2)
  );

  // A store of partial sums, filled by the chains in parallel, read one at a time by lane and row.
  hdlgen_tiny__engine__results__sums sums (
    .clk(clk),
    .rst(rst),
    .read__en(read_enable),
    .write_enable(write_enable),
    .write_value(write_value),
    .write_position(write_position),
    .write_half(write_half),
    .read_half(read_half),
    .read_lane(read_lane),
    .o(o)
  );
endmodule

// Counts through the places of a layer in bank order, again and again.
module hdlgen_tiny__engine__results__order (
  input wire clk,
  input wire rst,
  input wire step,
  output reg [1:0] lane,
  output reg ends,
  output reg last
);

  // Registers, and values that blocks compute.
  reg [1:0] index;
  reg [1:0] following_0;
  reg following_2;
  reg following_3;

  // After power-on.
  initial begin
    index = 2'd1;
    lane = 2'd0;
    ends = 1'b1;
    last = 1'b0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  always @* begin
    if (wake) begin end
    following_0 = 2'd0;
    case (index)
      2'd0: following_0 = 2'd0;
      2'd1: following_0 = 2'd3;
      2'd2: following_0 = 2'd2;
      2'd3: following_0 = 2'd1;
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
      2'd3: following_2 = 1'b1;
      default: ;
    endcase
  end

  always @* begin
    if (wake) begin end
    following_3 = 1'b0;
    case (index)
      2'd0: following_3 = 1'b0;
      2'd1: following_3 = 1'b0;
      2'd2: following_3 = 1'b0;
      2'd3: following_3 = 1'b1;
      default: ;
    endcase
  end

  always @(posedge clk) begin
    if (step) begin
      index <= index + 2'd1;
      lane <= following_0;
      ends <= following_2;
      last <= following_3;
    end
    if (rst) begin
      index <= 2'd1;
      lane <= 2'd0;
      ends <= 1'b1;
      last <= 1'b0;
    end
  end
endmodule

// A store of partial sums, filled by the chains in parallel, read one at a time by lane and row.
module hdlgen_tiny__engine__results__sums (
  input wire clk,
  input wire rst,
  input wire read__en,
  input wire write_enable,
  input wire [17:0] write_value,
  input wire [1:0] write_position,
  input wire write_half,
  input wire read_half,
  input wire [1:0] read_lane,
  output reg [17:0] o
);

  // Registers, and values that blocks compute.
  reg [17:0] read__data;
  reg [17:0] value;

  // After power-on.
  initial begin
    o = 18'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Memories.
  (* no_rw_check = "1" *)
  reg [17:0] store_0 [0:7];
  initial begin
    store_0[0] = 18'h00000;
    store_0[1] = 18'h00000;
    store_0[2] = 18'h00000;
    store_0[3] = 18'h00000;
    store_0[4] = 18'h00000;
    store_0[5] = 18'h00000;
    store_0[6] = 18'h00000;
    store_0[7] = 18'h00000;
  end
  always @(posedge clk) begin
    if (write_enable) store_0[{write_half, write_position}] <= write_value;
  end
  always @(posedge clk) begin
    if (read__en) read__data <= store_0[{read_half, read_lane}];
  end

  always @* begin
    if (wake) begin end
    value = 18'd0;
    value = read__data;
  end

  always @(posedge clk) begin
    if (read__en) o <= value;
    if (rst) o <= 18'd0;
  end
endmodule

// Streams the weights of the transitions asked for, from on-chip memory.
module hdlgen_tiny__weights (
  input wire clk,
  input wire rst,
  input wire w_en,
  output wire [31:0] o__payload,
  input wire ready_next,
  input wire w_data
);

  // Registers, and values that blocks compute.
  reg register;
  reg register_2;
  reg register_3;
  reg advance_2;
  reg [2:0] address;
  reg register_4;
  reg last;
  reg [2:0] register_5;
  reg [1:0] length;
  reg [1:0] left;
  reg valid_2;

  // After power-on.
  initial begin
    register_4 = 1'b0;
    register_5 = 3'd0;
    length = 2'd0;
    register_2 = 1'b0;
    valid_2 = 1'b0;
    advance_2 = 1'b1;
    register = 1'b1;
    address = 3'd0;
    left = 2'd0;
    last = 1'b0;
    register_3 = 1'b0;
  end

  // What the parts give.
  wire r_rdy;
  wire r_data;

  // Logic.
  wire chosen = register ? register_3 : register_2;
  wire following_2 = advance_2 ? register_2 : valid_2;
  wire empty_2 = (~following_2) | ready_next;
  wire switch = register_4 & ((~register_3) | last);
  wire r_en = ~register_4;
  wire inverse = ~register_4;
  wire either = register | (register_4 & (~register_3));
  wire [2:0] value = !r_data ? 3'd0 : 3'd4;
  wire [1:0] value_2 = !r_data ? 2'd3 : 2'd3;

  always @(posedge clk) begin
    if (inverse) register_4 <= r_rdy;
    if (either) begin
      if (switch) register_4 <= 1'b0;
    end
    if (rst) register_4 <= 1'b0;
  end

  always @(posedge clk) begin
    if (inverse) begin
      register_5 <= value;
      length <= value_2;
    end
    if (rst) begin
      register_5 <= 3'd0;
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
      address <= address + 3'd1;
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
      address <= 3'd0;
      left <= 2'd0;
      last <= 1'b0;
      register_3 <= 1'b0;
    end
  end

  // Parts.
  hdlgen_tiny__weights__queue queue (
    .clk(clk),
    .rst(rst),
    .w_en(w_en),
    .r_en(r_en),
    .r_rdy(r_rdy),
    .r_data(r_data),
    .w_port__data(w_data)
  );

  hdlgen_tiny_weights rom (
    .clk(clk),
    .enable(register),
    .output_enable(advance_2),
    .address(address),
    .data(o__payload)
  );
endmodule

module hdlgen_tiny__weights__queue (
  input wire clk,
  input wire rst,
  input wire w_en,
  input wire r_en,
  output wire r_rdy,
  output wire r_data,
  input wire w_port__data
);

  // Registers, and values that blocks compute.
  reg [3:0] level;
  reg [2:0] w_port__addr;
  reg [2:0] r_port__addr;

  // After power-on.
  initial begin
    w_port__addr = 3'd0;
    r_port__addr = 3'd0;
    level = 4'd0;
  end

  // Logic.
  wire w_rdy = level != 4'd8;
  assign r_rdy = level != 4'd0;
  wire w_port__en = w_en & w_rdy;
  assign r_data = storage[r_port__addr];

  // Memories.
  reg storage [0:7];
  initial begin
    storage[0] = 1'h0;
    storage[1] = 1'h0;
    storage[2] = 1'h0;
    storage[3] = 1'h0;
    storage[4] = 1'h0;
    storage[5] = 1'h0;
    storage[6] = 1'h0;
    storage[7] = 1'h0;
  end
  always @(posedge clk) begin
    if (w_port__en) storage[w_port__addr] <= w_port__data;
  end

  always @(posedge clk) begin
    if (w_rdy & w_en) w_port__addr <= w_port__addr + 3'd1;
    if (rst) w_port__addr <= 3'd0;
  end

  always @(posedge clk) begin
    if (r_rdy & r_en) r_port__addr <= r_port__addr + 3'd1;
    if (rst) r_port__addr <= 3'd0;
  end

  always @(posedge clk) begin
    if ((w_rdy & w_en) & (~(r_rdy & r_en))) level <= level + 4'd1;
    if ((r_rdy & r_en) & (~(w_rdy & w_en))) level <= level - 4'd1;
    if (rst) level <= 4'd0;
  end
endmodule
