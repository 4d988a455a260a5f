// top: the core of network random, 2 -> 4
// unit engine, layers 1 to 1: lanes 2
// latency 58 cycles, interval 47 cycles
//
// Ports; clk is the clock of all, rst is synchronous and active high, and needed by no one after power-on:
//   input          clk
//   input          rst
//   input  [7:0]   s_axis_tdata
//   input          s_axis_tvalid
//   output         s_axis_tready
//   input          s_axis_tlast
//   input          s_axis_tuser
//   output [31:0]  m_axis_tdata
//   output         m_axis_tvalid
//   input          m_axis_tready
//   output         m_axis_tlast
//   output         m_axis_tuser
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
  input wire s_axis_tuser,
  output wire [31:0] m_axis_tdata,
  output wire m_axis_tvalid,
  input wire m_axis_tready,
  output wire m_axis_tlast,
  output wire m_axis_tuser,
  output wire frame_error
);

  // What the parts give.
  wire write_place;
  wire in_reserve;
  wire in_first;
  wire in_enable;
  wire in_write_place;
  wire in_row;
  wire [7:0] in_data;
  wire out_free;
  wire reserve;
  wire reserve_last;
  wire commit;
  wire write_enable;
  wire write_place_2;
  wire [1:0] write_row;
  wire [7:0] write_data;
  wire valid;
  wire place;
  wire last;
  wire release_;

  // Parts.
  // Takes frames from an AXI4-Stream, one element a beat and one frame a step, and fills places with them.
  top__loader loader (
    .clk(clk),
    .rst(rst),
    .s_data(s_axis_tdata),
    .s_valid(s_axis_tvalid),
    .s_last(s_axis_tlast),
    .last(s_axis_tuser),
    .commit(in_reserve),
    .s_ready(s_axis_tready),
    .first(in_first),
    .frame_error(frame_error),
    .write_enable(in_enable),
    .write_to(in_write_place),
    .write_index(in_row),
    .write_data(in_data),
    .write_place(write_place)
  );

  // A layer of a recurrent core, with its input memory, weights and states: steps in, steps out.
  top__layer1 layer1 (
    .clk(clk),
    .rst(rst),
    .reserve_last(s_axis_tuser),
    .reserve(in_reserve),
    .out_enable(write_enable),
    .out_commit(commit),
    .in_free(s_axis_tready),
    .out_reserve(reserve),
    .free(out_free),
    .reserve_first(in_first),
    .write_enable(in_enable),
    .write_place(in_write_place),
    .write_row(in_row),
    .write_data(in_data),
    .row(write_row),
    .in_place(write_place),
    .out_last(reserve_last),
    .write_data_2(write_data)
  );

  // Results of two steps, and out they go: result 0 first, m_last on the last one, m_user with it at the end
  // of a sequence.
  top__sender sender (
    .clk(clk),
    .rst(rst),
    .m_ready(m_axis_tready),
    .write_enable(write_enable),
    .release_(release_),
    .valid(valid),
    .last(last),
    .write_row(write_row),
    .write_data(write_data),
    .m_valid(m_axis_tvalid),
    .m_last(m_axis_tlast),
    .m_user(m_axis_tuser),
    .m_data(m_axis_tdata),
    .write_place(write_place_2),
    .place(place)
  );

  // Which of places places, a power of two, hold steps, between one writer and one reader.
  top__results results (
    .clk(clk),
    .rst(rst),
    .commit(commit),
    .reserve(reserve),
    .release_(release_),
    .free(out_free),
    .valid(valid),
    .last(last),
    .reserve_last(reserve_last),
    .write_place(write_place_2),
    .place(place)
  );
endmodule

// Takes frames from an AXI4-Stream, one element a beat and one frame a step, and fills places with them.
module top__loader (
  input wire clk,
  input wire rst,
  input wire [7:0] s_data,
  input wire s_valid,
  input wire s_last,
  input wire last,
  output wire commit,
  input wire s_ready,
  output reg first,
  output reg frame_error,
  output reg write_enable,
  output reg write_to,
  output reg write_index,
  output reg [7:0] write_data,
  input wire write_place
);

  // Registers, and values that blocks compute.
  reg register;
  reg final_;
  reg broken;
  reg index;

  // After power-on.
  initial begin
    index = 1'b0;
    final_ = 1'b0;
    register = 1'b0;
    first = 1'b1;
    frame_error = 1'b0;
    broken = 1'b0;
    write_enable = 1'b0;
    write_to = 1'b0;
    write_index = 1'b0;
    write_data = 8'd0;
  end

  // Logic.
  wire both = s_valid & s_ready;
  wire wrong = (both & (~register)) & (s_last != final_);
  wire both_2 = both & (s_last | (final_ & (~register)));
  assign commit = (((both & s_last) & final_) & (~register)) & (~broken);
  wire both_3 = both & (~register);

  always @(posedge clk) begin
    if (both_3) begin
      index <= index + 1'b1;
      final_ <= index == 1'b0;
    end
    if (both_2) begin
      index <= 1'b0;
      final_ <= 1'b0;
    end
    if (rst) begin
      index <= 1'b0;
      final_ <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (both_2) register <= ~s_last;
    if (rst) register <= 1'b0;
  end

  always @(posedge clk) begin
    if (commit) first <= last;
    if (wrong) first <= 1'b1;
    if (rst) first <= 1'b1;
  end

  always @(posedge clk) begin
    if (wrong) frame_error <= 1'b1;
    if (rst) frame_error <= 1'b0;
  end

  always @(posedge clk) begin
    if (wrong) broken <= 1'b1;
    if ((both & s_last) & last) broken <= 1'b0;
    if (rst) broken <= 1'b0;
  end

  always @(posedge clk) begin
    write_enable <= both;
    write_to <= write_place;
    write_index <= index;
    write_data <= s_data;
    if (rst) begin
      write_enable <= 1'b0;
      write_to <= 1'b0;
      write_index <= 1'b0;
      write_data <= 8'd0;
    end
  end
endmodule

// A layer of a recurrent core, with its input memory, weights and states: steps in, steps out.
module top__layer1 (
  input wire clk,
  input wire rst,
  input wire reserve_last,
  input wire reserve,
  output wire out_enable,
  output wire out_commit,
  output wire in_free,
  output wire out_reserve,
  input wire free,
  input wire reserve_first,
  input wire write_enable,
  input wire write_place,
  input wire write_row,
  input wire [7:0] write_data,
  output reg [1:0] row,
  output wire in_place,
  output wire out_last,
  output wire [7:0] write_data_2
);

  // Registers, and values that blocks compute.
  reg [4:0] address;
  reg kind_at_4;
  reg [7:0] element;
  reg [16:0] sum_0;
  reg [16:0] sum_1;
  reg ends_at_6;
  reg kind_at_6;
  reg step;
  reg write_enable_2;
  reg [3:0] write_address;
  reg [3:0] read_address;
  reg step_2;
  reg [3:0] recurrent_flags;
  reg skip_1;
  reg skip_2;
  reg kind_at_1;
  reg kind_at_2;
  reg valid_at_1;
  reg valid_at_2;
  reg start_1;
  reg start_2;
  reg start_recurrent_1;
  reg start_recurrent_2;
  reg kind_at_3;
  reg valid_at_3;
  reg valid_at_4;
  reg valid_at_5;
  reg valid_at_6;
  reg ends_at_1;
  reg ends_at_2;
  reg ends_at_3;
  reg ends_at_4;
  reg ends_at_5;
  reg kind_at_5;
  reg [3:0] flags_1;
  reg [3:0] flags_2;
  reg [3:0] flags_3;
  reg [3:0] flags_4;
  reg forward_left;
  reg recurrent_left;
  reg fed_at_6;
  reg fed_at_7;
  reg fed_at_8;
  reg fed_at_9;
  reg reading_at_6;

  // After power-on.
  initial begin
    skip_1 = 1'b0;
    skip_2 = 1'b0;
    kind_at_1 = 1'b0;
    kind_at_2 = 1'b0;
    valid_at_1 = 1'b0;
    valid_at_2 = 1'b0;
    address = 5'd0;
    start_1 = 1'b0;
    start_2 = 1'b0;
    start_recurrent_1 = 1'b0;
    start_recurrent_2 = 1'b0;
    element = 8'd0;
    kind_at_3 = 1'b0;
    kind_at_4 = 1'b0;
    valid_at_3 = 1'b0;
    valid_at_4 = 1'b0;
    valid_at_5 = 1'b0;
    valid_at_6 = 1'b0;
    sum_0 = 17'd0;
    ends_at_1 = 1'b0;
    ends_at_2 = 1'b0;
    ends_at_3 = 1'b0;
    ends_at_4 = 1'b0;
    ends_at_5 = 1'b0;
    ends_at_6 = 1'b0;
    sum_1 = 17'd0;
    kind_at_5 = 1'b0;
    kind_at_6 = 1'b0;
    flags_1 = 4'd0;
    flags_2 = 4'd0;
    flags_3 = 4'd0;
    flags_4 = 4'd0;
    step = 1'b0;
    forward_left = 1'b0;
    step_2 = 1'b0;
    recurrent_left = 1'b0;
    recurrent_flags = 4'd0;
    fed_at_6 = 1'b0;
    fed_at_7 = 1'b0;
    fed_at_8 = 1'b0;
    fed_at_9 = 1'b0;
    write_enable_2 = 1'b0;
    write_address = 4'd0;
    reading_at_6 = 1'b0;
    read_address = 4'd0;
    row = 2'd0;
  end

  // What the parts give.
  wire place;
  wire index;
  wire step_valid;
  wire release_;
  wire valid_2;
  wire recurrent;
  wire begin_;
  wire end_;
  wire group_end;
  wire [7:0] state_0;
  wire [7:0] state_1;
  wire [15:0] w;
  wire [31:0] p;
  wire [15:0] i;
  wire [15:0] write_data_3;
  wire [16:0] sums;
  wire [15:0] stored;
  wire write_enable_3;
  wire written;
  wire deliver_out;
  wire skip;
  wire start;
  wire start_recurrent;
  wire [7:0] element_2;
  wire [1:0] gate;
  wire fresh;
  wire deliver;
  wire [1:0] value;

  // Logic.
  wire valid = valid_2 & recurrent;
  wire [7:0] factor_0 = kind_at_4 ? state_0 : element;
  wire [7:0] factor_1 = kind_at_4 ? state_1 : element;
  wire [16:0] sum = sum_0 + {p[15], p[15:0]};
  wire [16:0] sum_2 = sum_1 + {p[31], p[31:16]};
  wire load = ends_at_6 & (~kind_at_6);
  wire load_2 = ends_at_6 & kind_at_6;
  assign out_enable = write_enable_3 & deliver_out;
  assign out_commit = (write_enable_3 & deliver_out) & (row == 2'd3);
  wire both = ends_at_4 & (~kind_at_4);
  wire equal = forward_left == 1'b0;
  wire both_2 = ends_at_4 & kind_at_4;
  wire equal_2 = recurrent_left == 1'b0;

  always @(posedge clk) begin
    skip_1 <= end_ & skip;
    skip_2 <= skip_1;
    kind_at_1 <= recurrent;
    kind_at_2 <= kind_at_1;
    valid_at_1 <= valid_2;
    valid_at_2 <= valid_at_1;
    start_1 <= start;
    start_2 <= start_1;
    start_recurrent_1 <= start_recurrent;
    start_recurrent_2 <= start_recurrent_1;
    element <= element_2;
    kind_at_3 <= kind_at_2;
    kind_at_4 <= kind_at_3;
    valid_at_3 <= valid_at_2;
    valid_at_4 <= valid_at_3;
    valid_at_5 <= valid_at_4;
    valid_at_6 <= valid_at_5;
    ends_at_1 <= valid_2 & end_;
    ends_at_2 <= ends_at_1;
    ends_at_3 <= ends_at_2;
    ends_at_4 <= ends_at_3;
    ends_at_5 <= ends_at_4;
    ends_at_6 <= ends_at_5;
    kind_at_5 <= kind_at_4;
    kind_at_6 <= kind_at_5;
    flags_1 <= {deliver, fresh, gate};
    flags_2 <= flags_1;
    flags_3 <= flags_2;
    flags_4 <= flags_3;
    fed_at_6 <= step;
    fed_at_7 <= fed_at_6;
    fed_at_8 <= fed_at_7;
    fed_at_9 <= fed_at_8;
    write_enable_2 <= fed_at_9;
    reading_at_6 <= step_2;
    if (rst) begin
      skip_1 <= 1'b0;
      skip_2 <= 1'b0;
      kind_at_1 <= 1'b0;
      kind_at_2 <= 1'b0;
      valid_at_1 <= 1'b0;
      valid_at_2 <= 1'b0;
      start_1 <= 1'b0;
      start_2 <= 1'b0;
      start_recurrent_1 <= 1'b0;
      start_recurrent_2 <= 1'b0;
      element <= 8'd0;
      kind_at_3 <= 1'b0;
      kind_at_4 <= 1'b0;
      valid_at_3 <= 1'b0;
      valid_at_4 <= 1'b0;
      valid_at_5 <= 1'b0;
      valid_at_6 <= 1'b0;
      ends_at_1 <= 1'b0;
      ends_at_2 <= 1'b0;
      ends_at_3 <= 1'b0;
      ends_at_4 <= 1'b0;
      ends_at_5 <= 1'b0;
      ends_at_6 <= 1'b0;
      kind_at_5 <= 1'b0;
      kind_at_6 <= 1'b0;
      flags_1 <= 4'd0;
      flags_2 <= 4'd0;
      flags_3 <= 4'd0;
      flags_4 <= 4'd0;
      fed_at_6 <= 1'b0;
      fed_at_7 <= 1'b0;
      fed_at_8 <= 1'b0;
      fed_at_9 <= 1'b0;
      write_enable_2 <= 1'b0;
      reading_at_6 <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (valid_at_2) address <= address + {2'd0, (skip_2 ? (kind_at_2 ? 3'd3 : 3'd4) : 3'd1)};
    if (start_2) address <= {3'd0, (start_recurrent_2 ? 2'd2 : 2'd0)};
    if (rst) address <= 5'd0;
  end

  always @(posedge clk) begin
    if (valid_at_6) begin
      sum_0 <= sum;
      sum_1 <= sum_2;
    end
    if (ends_at_6) begin
      sum_0 <= 17'd0;
      sum_1 <= 17'd0;
    end
    if (rst) begin
      sum_0 <= 17'd0;
      sum_1 <= 17'd0;
    end
  end

  always @(posedge clk) begin
    if (both) begin
      step <= 1'b1;
      forward_left <= 1'b1;
    end
    else if (equal) step <= 1'b0;
    else forward_left <= forward_left - 1'b1;
    if (rst) begin
      step <= 1'b0;
      forward_left <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (both_2) begin
      step_2 <= 1'b1;
      recurrent_left <= 1'b1;
      recurrent_flags <= flags_4;
    end
    else if (equal_2) step_2 <= 1'b0;
    else recurrent_left <= recurrent_left - 1'b1;
    if (rst) begin
      step_2 <= 1'b0;
      recurrent_left <= 1'b0;
      recurrent_flags <= 4'd0;
    end
  end

  always @(posedge clk) begin
    if (write_enable_2) write_address <= write_address + 4'd1;
    if (rst) write_address <= 4'd0;
  end

  always @(posedge clk) begin
    if (reading_at_6) read_address <= read_address + 4'd1;
    if (rst) read_address <= 4'd0;
  end

  always @(posedge clk) begin
    if (write_enable_3) row <= (row == 2'd3) ? 2'd0 : (row + 2'd1);
    if (rst) row <= 2'd0;
  end

  // Parts.
  // Which of places places, a power of two, hold steps, between one writer and one reader.
  top__layer1__slots slots (
    .clk(clk),
    .rst(rst),
    .reserve_last(reserve_last),
    .reserve(reserve),
    .free(in_free),
    .valid(step_valid),
    .value(value),
    .release_(release_),
    .reserve_first(reserve_first),
    .write_place(in_place),
    .place(place)
  );

  // The elements of as many steps as there are places.
  top__layer1__memory memory (
    .clk(clk),
    .rst(rst),
    .write_enable(write_enable),
    .write_place(write_place),
    .write_row(write_row),
    .write_data(write_data),
    .place(place),
    .element(element_2),
    .index(index)
  );

  // Issues the blocks of a unit, one cycle of all lanes at a time: hdlgen.compiler.unit.program says in which
  // order.
  top__layer1__sequencer sequencer (
    .clk(clk),
    .rst(rst),
    .step_valid(step_valid),
    .value(value),
    .start(start),
    .start_recurrent(start_recurrent),
    .reserve(out_reserve),
    .valid(valid_2),
    .release_(release_),
    .skip(skip),
    .written(written),
    .free(free),
    .first(begin_),
    .end_(end_),
    .index(index),
    .recurrent(recurrent),
    .gate(gate),
    .group_end(group_end),
    .deliver_2(deliver),
    .fresh(fresh),
    .pending_last(out_last)
  );

  // The states of two steps, in rows of L, and the window over them.
  top__layer1__states states (
    .clk(clk),
    .rst(rst),
    .valid(valid),
    .written(written),
    .begin_(begin_),
    .end_(end_),
    .group_end(group_end),
    .state_0(state_0),
    .state_1(state_1),
    .write_data(write_data_2),
    .write_enable_2(write_enable_3)
  );

  // Sums of all lanes, carried away lane by lane, by chains shift registers side by side.
  top__layer1__forward_chains forward_chains (
    .clk(clk),
    .sum(sum[15:0]),
    .sum_2(sum_2[15:0]),
    .load(load),
    .link_0(i)
  );

  // Sums of all lanes, carried away lane by lane, by chains shift registers side by side.
  top__layer1__recurrent_chains recurrent_chains (
    .clk(clk),
    .sum(sum),
    .sum_2(sum_2),
    .load(load_2),
    .link_0(sums)
  );

  // Forward of one sum of every chain a cycle, FORWARD cycles later; step comes two cycles before the sum.
  top__layer1__requantiser requantiser (
    .clk(clk),
    .rst(rst),
    .step(step),
    .sum_0(i),
    .o(write_data_3)
  );

  // From recurrent sums and stored inputs to new states, element by element in the order of the chains.
  top__layer1__cell cell_ (
    .clk(clk),
    .rst(rst),
    .stored_0(stored),
    .step(step_2),
    .recurrent_flags(recurrent_flags),
    .sums(sums),
    .write_data(write_data_2),
    .write_enable(write_enable_3),
    .deliver_out(deliver_out)
  );

  top_layer1_weights weights (
    .clk(clk),
    .enable(1'b1),
    .output_enable(1'b1),
    .address(address),
    .data(w)
  );

  top_layer1_multiplier multiplier (
    .clk(clk),
    .a({factor_1, factor_0}),
    .w(w),
    .p(p)
  );

  top_layer1_stored stored_2 (
    .clk(clk),
    .write_enable(write_enable_2),
    .write_address(write_address),
    .write_data(write_data_3),
    .read_address(read_address),
    .read_data(stored)
  );

  // Nobody reads these.
  wire unused = &{1'b0, w};
endmodule

// Which of places places, a power of two, hold steps, between one writer and one reader.
module top__layer1__slots (
  input wire clk,
  input wire rst,
  input wire reserve_last,
  input wire reserve,
  output wire free,
  output wire valid,
  output wire [1:0] value,
  input wire release_,
  input wire reserve_first,
  output reg write_place,
  output reg place
);

  // Registers, and values that blocks compute.
  reg [1:0] register;
  reg [1:0] filled;
  reg reserve_place;
  reg [1:0] flags_0;
  reg [1:0] flags_1;

  // After power-on.
  initial begin
    register = 2'd0;
    filled = 2'd0;
    reserve_place = 1'b0;
    write_place = 1'b0;
    place = 1'b0;
    flags_0 = 2'd0;
    flags_1 = 2'd0;
  end

  // Logic.
  assign free = ~register[1];
  assign valid = filled != 2'd0;
  wire [1:0] value_2 = !place ? flags_0 : flags_1;
  assign value = value_2;

  always @(posedge clk) begin
    register <= (register + {1'b0, reserve}) - {1'b0, release_};
    filled <= (filled + {1'b0, reserve}) - {1'b0, release_};
    reserve_place <= reserve_place + reserve;
    write_place <= write_place + reserve;
    place <= place + release_;
    if (rst) begin
      register <= 2'd0;
      filled <= 2'd0;
      reserve_place <= 1'b0;
      write_place <= 1'b0;
      place <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (reserve & (reserve_place == 1'b0)) flags_0 <= {reserve_last, reserve_first};
    if (rst) flags_0 <= 2'd0;
  end

  always @(posedge clk) begin
    if (reserve & (reserve_place == 1'b1)) flags_1 <= {reserve_last, reserve_first};
    if (rst) flags_1 <= 2'd0;
  end
endmodule

// The elements of as many steps as there are places.
module top__layer1__memory (
  input wire clk,
  input wire rst,
  input wire write_enable,
  input wire write_place,
  input wire write_row,
  input wire [7:0] write_data,
  input wire place,
  output reg [7:0] element,
  input wire index
);

  // After power-on.
  initial begin
    element = 8'd0;
  end

  // What the parts give.
  wire [7:0] read_data;

  always @(posedge clk) begin
    element <= read_data;
    if (rst) element <= 8'd0;
  end

  // Parts.
  top_layer1_input ram (
    .clk(clk),
    .write_enable(write_enable),
    .write_address({write_place, write_row}),
    .write_data(write_data),
    .read_address({place, index}),
    .read_data(read_data)
  );
endmodule

// Issues the blocks of a unit, one cycle of all lanes at a time: hdlgen.compiler.unit.program says in which
// order.
module top__layer1__sequencer (
  input wire clk,
  input wire rst,
  input wire step_valid,
  input wire [1:0] value,
  output wire start,
  output wire start_recurrent,
  output wire reserve,
  output wire valid,
  output wire release_,
  output wire skip,
  input wire written,
  input wire free,
  output reg first,
  output reg end_,
  output reg index,
  output reg recurrent,
  output reg [1:0] gate,
  output reg group_end,
  output reg deliver_2,
  output reg fresh,
  output reg pending_last
);

  // Registers, and values that blocks compute.
  reg register;
  reg register_2;
  reg register_3;
  reg recurrent_2;
  reg last_group;
  reg growing;
  reg [3:0] slack;
  reg [1:0] left;
  reg register_4;
  reg out_first;

  // After power-on.
  initial begin
    first = 1'b0;
    left = 2'd0;
    end_ = 1'b0;
    index = 1'b0;
    recurrent = 1'b0;
    gate = 2'd0;
    group_end = 1'b0;
    register_4 = 1'b0;
    last_group = 1'b0;
    register_2 = 1'b0;
    register_3 = 1'b0;
    recurrent_2 = 1'b0;
    deliver_2 = 1'b0;
    fresh = 1'b0;
    register = 1'b0;
    out_first = 1'b0;
    pending_last = 1'b0;
    slack = 4'd0;
    growing = 1'b0;
  end

  // Logic.
  wire both = register & (free | (~pending_last));
  wire both_2 = step_valid & (both | (~register));
  assign start = (~register_2) & (both_2 | both);
  assign start_recurrent = ~both_2;
  wire deliver = pending_last & both;
  assign reserve = start & deliver;
  wire allowed = recurrent ? (~slack[3]) : 1'b1;
  assign valid = register_2 & ((~first) | allowed);
  wire following = recurrent ? (~register_3) : recurrent_2;
  wire advance = recurrent | (~recurrent_2);
  wire both_3 = valid & end_;
  wire leaving = ((both_3 & advance) & group_end) & last_group;
  assign release_ = (both_3 & (~recurrent)) & (last_group & group_end);
  assign skip = (recurrent & (~register_3)) | ((~recurrent) & (~recurrent_2));
  wire [1:0] used = last_group ? 2'd2 : {1'b0, growing};

  always @(posedge clk) begin
    if (valid) first <= end_;
    if (start) first <= 1'b1;
    if (rst) first <= 1'b0;
  end

  always @(posedge clk) begin
    if (valid) begin
      left <= left - 2'd1;
      end_ <= left == 2'd1;
    end
    if (both_3) begin
      left <= following ? 2'd2 : 2'd1;
      end_ <= 1'b0;
    end
    if (start) begin
      left <= both_2 ? 2'd1 : 2'd2;
      end_ <= 1'b0;
    end
    if (rst) begin
      left <= 2'd0;
      end_ <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (valid) index <= index + 1'b1;
    if (both_3) index <= 1'b0;
    if (rst) index <= 1'b0;
  end

  always @(posedge clk) begin
    if (both_3) recurrent <= following;
    if (start) recurrent <= ~both_2;
    if (rst) recurrent <= 1'b0;
  end

  always @(posedge clk) begin
    if (both_3) begin
      if (advance) begin
        gate <= gate + 2'd1;
        group_end <= gate == 2'd1;
        if (group_end) begin
          gate <= 2'd0;
          group_end <= 1'b0;
        end
      end
    end
    if (rst) begin
      gate <= 2'd0;
      group_end <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (both_3) begin
      if (advance) begin
        if (group_end) begin
          register_4 <= register_4 + 1'b1;
          last_group <= register_4 == 1'b0;
        end
      end
    end
    if (leaving) begin
      register_4 <= 1'b0;
      last_group <= 1'b0;
    end
    if (rst) begin
      register_4 <= 1'b0;
      last_group <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (leaving) register_2 <= 1'b0;
    if (start) register_2 <= 1'b1;
    if (rst) register_2 <= 1'b0;
  end

  always @(posedge clk) begin
    if (start) begin
      register_3 <= both_2;
      recurrent_2 <= both;
      deliver_2 <= deliver;
      fresh <= out_first;
      register <= both_2;
      if (both_2) begin
        out_first <= value[0];
        pending_last <= value[1];
      end
    end
    if (rst) begin
      register_3 <= 1'b0;
      recurrent_2 <= 1'b0;
      deliver_2 <= 1'b0;
      fresh <= 1'b0;
      register <= 1'b0;
      out_first <= 1'b0;
      pending_last <= 1'b0;
    end
  end

  always @(posedge clk) begin
    slack <= (slack + {3'd0, written}) - {2'd0, (((both_3 & recurrent) & group_end) ? used : 2'd0)};
    if (rst) slack <= 4'd0;
  end

  always @(posedge clk) begin
    if ((both_3 & recurrent) & group_end) growing <= 1'b0;
    if (rst) growing <= 1'b0;
  end
endmodule

// The states of two steps, in rows of L, and the window over them.
module top__layer1__states (
  input wire clk,
  input wire rst,
  input wire valid,
  output wire written,
  input wire begin_,
  input wire end_,
  input wire group_end,
  output wire [7:0] state_0,
  output wire [7:0] state_1,
  input wire [7:0] write_data,
  input wire write_enable_2
);

  // Registers, and values that blocks compute.
  reg register;
  reg beyond;
  reg register_2;
  reg [1:0] ahead;
  reg half;
  reg [2:0] late_row;
  reg load_next;
  reg load;
  reg shift;
  reg register_3;
  reg carry;
  reg [1:0] register_4;
  reg [1:0] row_1;
  reg half_2;
  reg last_element;
  reg last_group;
  reg [1:0] row_2;
  reg register_5;
  reg last_group_2;
  reg register_6;
  reg last_inside;
  reg [1:0] row_1_2;
  reg load_next_1;
  reg load_1;
  reg load_2;
  reg shift_1;
  reg shift_2;
  reg register_7;
  reg register_8;

  // After power-on.
  initial begin
    register_2 = 1'b0;
    late_row = 3'd0;
    register = 1'b0;
    beyond = 1'b0;
    ahead = 2'd1;
    register_5 = 1'b0;
    last_group_2 = 1'b0;
    register_6 = 1'b0;
    last_inside = 1'b1;
    row_2 = 2'd0;
    row_1_2 = 2'd1;
    half = 1'b0;
    load_next_1 = 1'b0;
    load_next = 1'b0;
    load_1 = 1'b0;
    load_2 = 1'b0;
    load = 1'b0;
    shift_1 = 1'b0;
    shift_2 = 1'b0;
    shift = 1'b0;
    register_7 = 1'b0;
    last_element = 1'b0;
    register_3 = 1'b1;
    carry = 1'b0;
    register_8 = 1'b0;
    last_group = 1'b0;
    register_4 = 2'd0;
    row_1 = 2'd1;
    half_2 = 1'b1;
  end

  // What the parts give.
  wire [15:0] row;
  wire [7:0] value;
  wire [7:0] value_2;

  // Logic.
  wire both = valid & begin_;
  wire ask_ahead = valid & (begin_ ? 1'b1 : ((register == 1'b1) & beyond));
  wire [2:0] read_address = register_2 ? late_row : {half, ahead};
  wire [1:0] write_enable = write_enable_2 ? (2'd1 << register_3) : 2'd0;
  wire [1:0] chosen = carry ? row_1 : register_4;
  assign written = write_enable_2 & last_element;
  wire both_2 = (valid & end_) & group_end;
  wire equal = register_3 == 1'b1;
  assign state_0 = value;
  assign state_1 = value_2;

  always @(posedge clk) begin
    register_2 <= both;
    load_next_1 <= ask_ahead;
    load_next <= load_next_1;
    load_1 <= both;
    load_2 <= load_1;
    load <= load_2;
    shift_1 <= valid & (~begin_);
    shift_2 <= shift_1;
    shift <= shift_2;
    if (rst) begin
      register_2 <= 1'b0;
      load_next_1 <= 1'b0;
      load_next <= 1'b0;
      load_1 <= 1'b0;
      load_2 <= 1'b0;
      load <= 1'b0;
      shift_1 <= 1'b0;
      shift_2 <= 1'b0;
      shift <= 1'b0;
    end
  end

  always @(posedge clk) begin
    late_row <= {half, row_2};
  end

  always @(posedge clk) begin
    if (valid) begin
      register <= (begin_ ? 1'b0 : register) + 1'b1;
      if ((begin_ ? 1'b0 : register) == 1'b0) beyond <= ~begin_;
    end
    if (rst) begin
      register <= 1'b0;
      beyond <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (ask_ahead) ahead <= ahead + 2'd1;
    if (valid & end_) begin
      ahead <= group_end ? (last_group_2 ? 2'd1 : (last_inside ? (row_1_2 + 2'd1) : row_1_2)) : row_1_2;
    end
    if (rst) ahead <= 2'd1;
  end

  always @(posedge clk) begin
    if (both_2) begin
      register_5 <= register_5 + 1'b1;
      last_group_2 <= register_5 == 1'b0;
      register_6 <= last_inside ? 1'b0 : (register_6 + 1'b1);
      last_inside <= last_inside ? 1'b1 : ({1'b0, register_6} == 2'd3);
      if (last_group_2) begin
        register_5 <= 1'b0;
        last_group_2 <= 1'b0;
        register_6 <= 1'b0;
        last_inside <= 1'b1;
        row_2 <= 2'd0;
        row_1_2 <= 2'd1;
        half <= ~half;
      end
      else if (last_inside) begin
        row_2 <= row_1_2;
        row_1_2 <= row_1_2 + 2'd1;
      end
    end
    if (rst) begin
      register_5 <= 1'b0;
      last_group_2 <= 1'b0;
      register_6 <= 1'b0;
      last_inside <= 1'b1;
      row_2 <= 2'd0;
      row_1_2 <= 2'd1;
      half <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (write_enable_2) begin
      register_7 <= register_7 + 1'b1;
      last_element <= register_7 == 1'b0;
      register_3 <= register_3 + 1'b1;
      if (last_element) begin
        register_7 <= 1'b0;
        last_element <= 1'b0;
        register_8 <= register_8 + 1'b1;
        last_group <= register_8 == 1'b0;
        register_4 <= row_1;
        row_1 <= row_1 + 2'd1;
        if (last_group) begin
          register_8 <= 1'b0;
          last_group <= 1'b0;
          register_4 <= 2'd0;
          row_1 <= 2'd1;
          half_2 <= ~half_2;
        end
      end
      if (equal) begin
        register_3 <= 1'b0;
        carry <= 1'b1;
      end
      if (last_element) carry <= 1'b0;
    end
    if (rst) begin
      register_7 <= 1'b0;
      last_element <= 1'b0;
      register_3 <= 1'b1;
      carry <= 1'b0;
      register_8 <= 1'b0;
      last_group <= 1'b0;
      register_4 <= 2'd0;
      row_1 <= 2'd1;
      half_2 <= 1'b1;
    end
  end

  // Parts.
  // The states that the lanes meet: a row of L, and behind it the next one, which moves in state by state.
  top__layer1__states__window window (
    .clk(clk),
    .row(row),
    .load_next(load_next),
    .load(load),
    .shift(shift),
    .window_0(value),
    .window_1(value_2)
  );

  top_layer1_states ram_0 (
    .clk(clk),
    .write_enable(write_enable),
    .write_address({half_2, chosen}),
    .write_data({write_data, write_data}),
    .read_address(read_address),
    .read_data(row)
  );
endmodule

// The states that the lanes meet: a row of L, and behind it the next one, which moves in state by state.
module top__layer1__states__window (
  input wire clk,
  input wire [15:0] row,
  input wire load_next,
  input wire load,
  input wire shift,
  output reg [7:0] window_0,
  output reg [7:0] window_1
);

  // Registers, and values that blocks compute.
  reg [7:0] behind_0;
  reg [7:0] behind_1;

  // After power-on.
  initial begin
    window_0 = 8'd0;
    behind_0 = 8'd0;
    window_1 = 8'd0;
    behind_1 = 8'd0;
  end

  always @(posedge clk) begin
    if (load) begin
      window_0 <= row[7:0];
      window_1 <= row[15:8];
    end
    else if (shift) begin
      window_0 <= window_1;
      window_1 <= behind_0;
    end
  end

  always @(posedge clk) begin
    if (load_next) begin
      behind_0 <= row[7:0];
      behind_1 <= row[15:8];
    end
    else if (shift) begin
      behind_0 <= behind_1;
      behind_1 <= behind_1;
    end
  end
endmodule

// Sums of all lanes, carried away lane by lane, by chains shift registers side by side.
module top__layer1__forward_chains (
  input wire clk,
  input wire [15:0] sum,
  input wire [15:0] sum_2,
  input wire load,
  output reg [15:0] link_0
);

  // Registers, and values that blocks compute.
  reg [15:0] link_1;

  // After power-on.
  initial begin
    link_0 = 16'd0;
    link_1 = 16'd0;
  end

  always @(posedge clk) begin
    link_0 <= load ? sum : link_1;
    link_1 <= load ? sum_2 : link_1;
  end
endmodule

// Sums of all lanes, carried away lane by lane, by chains shift registers side by side.
module top__layer1__recurrent_chains (
  input wire clk,
  input wire [16:0] sum,
  input wire [16:0] sum_2,
  input wire load,
  output reg [16:0] link_0
);

  // Registers, and values that blocks compute.
  reg [16:0] link_1;

  // After power-on.
  initial begin
    link_0 = 17'd0;
    link_1 = 17'd0;
  end

  always @(posedge clk) begin
    link_0 <= load ? sum : link_1;
    link_1 <= load ? sum_2 : link_1;
  end
endmodule

// Forward of one sum of every chain a cycle, FORWARD cycles later; step comes two cycles before the sum.
module top__layer1__requantiser (
  input wire clk,
  input wire rst,
  input wire step,
  input wire [15:0] sum_0,
  output reg [15:0] o
);

  // Registers, and values that blocks compute.
  reg step_2;
  reg [13:0] i;
  reg step_after_1;

  // After power-on.
  initial begin
    step_after_1 = 1'b0;
    step_2 = 1'b0;
    i = 14'd0;
    o = 16'd0;
  end

  // What the parts give.
  wire [13:0] o_2;
  wire [14:0] o_3;

  // Logic.
  wire [15:0] sum = sum_0 + 16'd2;

  always @(posedge clk) begin
    step_after_1 <= step;
    step_2 <= step_after_1;
    i <= sum[15:2];
    o <= {{2{o_2[13]}}, o_2} + {o_3[14], o_3};
    if (rst) begin
      step_after_1 <= 1'b0;
      step_2 <= 1'b0;
      i <= 14'd0;
      o <= 16'd0;
    end
  end

  // Parts.
  // The constants of a unit called what, again and again: those of the next element two cycles after step.
  top__layer1__requantiser__after after (
    .clk(clk),
    .rst(rst),
    .o(o_3),
    .step(step_2)
  );

  // Squash of a value in the range reached, squash.latency cycles later.
  top__layer1__requantiser__squash_0 squash_0 (
    .clk(clk),
    .rst(rst),
    .i(i),
    .o(o_2)
  );

  // Nobody reads these.
  wire unused = &{1'b0, sum[1:0]};
endmodule

// The constants of a unit called what, again and again: those of the next element two cycles after step.
module top__layer1__requantiser__after (
  input wire clk,
  input wire rst,
  output wire [14:0] o,
  input wire step
);

  // Registers, and values that blocks compute.
  reg [3:0] address;

  // After power-on.
  initial begin
    address = 4'd0;
  end

  always @(posedge clk) begin
    if (step) address <= (address == 4'd11) ? 4'd0 : (address + 4'd1);
    if (rst) address <= 4'd0;
  end

  // Parts.
  top_layer1_after rom (
    .clk(clk),
    .enable(1'b1),
    .output_enable(1'b1),
    .address(address),
    .data(o)
  );
endmodule

// Squash of a value in the range reached, squash.latency cycles later.
module top__layer1__requantiser__squash_0 (
  input wire clk,
  input wire rst,
  input wire [13:0] i,
  output reg [13:0] o
);

  // After power-on.
  initial begin
    o = 14'd0;
  end

  always @(posedge clk) begin
    o <= i;
    if (rst) o <= 14'd0;
  end
endmodule

// From recurrent sums and stored inputs to new states, element by element in the order of the chains.
module top__layer1__cell (
  input wire clk,
  input wire rst,
  input wire [15:0] stored_0,
  input wire step,
  input wire [3:0] recurrent_flags,
  input wire [16:0] sums,
  output reg [7:0] write_data,
  output reg write_enable,
  output reg deliver_out
);

  // Registers, and values that blocks compute.
  reg step_2;
  reg fresh_at_0;
  reg [9:0] i;
  reg [16:0] i_2;
  reg [7:0] a;
  reg [15:0] late_input_0_at_5;
  reg [11:0] i_3;
  reg [1:0] read_address;
  reg fresh_at_7;
  reg [7:0] a_2;
  reg [8:0] update_w_0;
  reg [7:0] target_0_3;
  reg [1:0] write_address;
  reg fresh_at__1;
  reg [16:0] biased_0;
  reg [15:0] late_input_0;
  reg step_at__1;
  reg step_at_0;
  reg step_at_1;
  reg step_at_2;
  reg step_at_3;
  reg [7:0] kept_0_0;
  reg [7:0] kept_0_1;
  reg [7:0] kept_0_2;
  reg [15:0] late_input_0_at_3;
  reg [15:0] late_input_0_at_4;
  reg [7:0] update_0_1;
  reg [7:0] update_0_2;
  reg [7:0] update_0_3;
  reg [7:0] update_0_4;
  reg final_at_0;
  reg final_at_1;
  reg final_at_2;
  reg final_at_3;
  reg final_at_4;
  reg final_at_5;
  reg fresh_at_1;
  reg fresh_at_2;
  reg fresh_at_3;
  reg fresh_at_4;
  reg fresh_at_5;
  reg fresh_at_6;
  reg [7:0] target_0_1;
  reg [7:0] target_0_2;
  reg final_at_6;
  reg final_at_7;
  reg final_at_8;
  reg final_at_9;
  reg final_at_10;
  reg deliver_at__1;
  reg deliver_at_0;
  reg deliver_at_1;
  reg deliver_at_2;
  reg deliver_at_3;
  reg deliver_at_4;
  reg deliver_at_5;
  reg deliver_at_6;
  reg deliver_at_7;
  reg deliver_at_8;
  reg deliver_at_9;
  reg deliver_at_10;

  // After power-on.
  initial begin
    step_2 = 1'b0;
    fresh_at__1 = 1'b0;
    fresh_at_0 = 1'b0;
    biased_0 = 17'd0;
    i = 10'd0;
    late_input_0 = 16'd0;
    step_at__1 = 1'b0;
    step_at_0 = 1'b0;
    step_at_1 = 1'b0;
    step_at_2 = 1'b0;
    step_at_3 = 1'b0;
    kept_0_0 = 8'd0;
    kept_0_1 = 8'd0;
    kept_0_2 = 8'd0;
    a = 8'd0;
    i_2 = 17'd0;
    late_input_0_at_3 = 16'd0;
    late_input_0_at_4 = 16'd0;
    late_input_0_at_5 = 16'd0;
    i_3 = 12'd0;
    update_0_1 = 8'd0;
    update_0_2 = 8'd0;
    update_0_3 = 8'd0;
    update_0_4 = 8'd0;
    final_at_0 = 1'b0;
    final_at_1 = 1'b0;
    final_at_2 = 1'b0;
    final_at_3 = 1'b0;
    final_at_4 = 1'b0;
    final_at_5 = 1'b0;
    read_address = 2'd0;
    fresh_at_1 = 1'b0;
    fresh_at_2 = 1'b0;
    fresh_at_3 = 1'b0;
    fresh_at_4 = 1'b0;
    fresh_at_5 = 1'b0;
    fresh_at_6 = 1'b0;
    fresh_at_7 = 1'b0;
    update_w_0 = 9'd0;
    a_2 = 8'd0;
    target_0_1 = 8'd0;
    target_0_2 = 8'd0;
    target_0_3 = 8'd0;
    write_data = 8'd0;
    final_at_6 = 1'b0;
    final_at_7 = 1'b0;
    final_at_8 = 1'b0;
    final_at_9 = 1'b0;
    final_at_10 = 1'b0;
    write_enable = 1'b0;
    write_address = 2'd0;
    deliver_at__1 = 1'b0;
    deliver_at_0 = 1'b0;
    deliver_at_1 = 1'b0;
    deliver_at_2 = 1'b0;
    deliver_at_3 = 1'b0;
    deliver_at_4 = 1'b0;
    deliver_at_5 = 1'b0;
    deliver_at_6 = 1'b0;
    deliver_at_7 = 1'b0;
    deliver_at_8 = 1'b0;
    deliver_at_9 = 1'b0;
    deliver_at_10 = 1'b0;
    deliver_out = 1'b0;
  end

  // What the parts give.
  wire [15:0] reset_w_0;
  wire [23:0] p;
  wire [7:0] read_data;
  wire [16:0] p_2;
  wire [11:0] o;
  wire [7:0] o_2;
  wire [7:0] o_3;

  // Logic.
  wire [16:0] recurrent_0 = sums & (~{17{fresh_at_0}});
  wire [22:0] sum = {late_input_0_at_5, 7'd0} + 23'd64;
  wire [23:0] query_wide_0 = p + {sum[22], sum};
  wire [7:0] state_0 = read_data & (~{8{fresh_at_7}});
  wire [14:0] sum_2 = p_2[14:0] + ({target_0_3, 7'd0} + 15'd64);
  wire [16:0] sum_3 = biased_0 + {stored_0[15], stored_0};

  always @(posedge clk) begin
    step_2 <= step & (recurrent_flags[1:0] == 2'd2);
    fresh_at__1 <= recurrent_flags[2];
    fresh_at_0 <= fresh_at__1;
    biased_0 <= recurrent_0 + {{5{o[11]}}, o};
    i <= sum_3[16:7];
    late_input_0 <= stored_0 + 16'd0;
    step_at__1 <= step;
    step_at_0 <= step_at__1;
    step_at_1 <= step_at_0;
    step_at_2 <= step_at_1;
    step_at_3 <= step_at_2;
    i_2 <= biased_0;
    late_input_0_at_3 <= late_input_0;
    late_input_0_at_4 <= late_input_0_at_3;
    late_input_0_at_5 <= late_input_0_at_4;
    i_3 <= query_wide_0[23:12];
    update_0_1 <= kept_0_1;
    update_0_2 <= update_0_1;
    update_0_3 <= update_0_2;
    update_0_4 <= update_0_3;
    final_at_0 <= step_2;
    final_at_1 <= final_at_0;
    final_at_2 <= final_at_1;
    final_at_3 <= final_at_2;
    final_at_4 <= final_at_3;
    final_at_5 <= final_at_4;
    fresh_at_1 <= fresh_at_0;
    fresh_at_2 <= fresh_at_1;
    fresh_at_3 <= fresh_at_2;
    fresh_at_4 <= fresh_at_3;
    fresh_at_5 <= fresh_at_4;
    fresh_at_6 <= fresh_at_5;
    fresh_at_7 <= fresh_at_6;
    update_w_0 <= {state_0[7], state_0} - {o_3[7], o_3};
    a_2 <= update_0_4;
    target_0_1 <= o_3;
    target_0_2 <= target_0_1;
    target_0_3 <= target_0_2;
    write_data <= sum_2[14:7];
    final_at_6 <= final_at_5;
    final_at_7 <= final_at_6;
    final_at_8 <= final_at_7;
    final_at_9 <= final_at_8;
    final_at_10 <= final_at_9;
    write_enable <= final_at_10;
    deliver_at__1 <= recurrent_flags[3];
    deliver_at_0 <= deliver_at__1;
    deliver_at_1 <= deliver_at_0;
    deliver_at_2 <= deliver_at_1;
    deliver_at_3 <= deliver_at_2;
    deliver_at_4 <= deliver_at_3;
    deliver_at_5 <= deliver_at_4;
    deliver_at_6 <= deliver_at_5;
    deliver_at_7 <= deliver_at_6;
    deliver_at_8 <= deliver_at_7;
    deliver_at_9 <= deliver_at_8;
    deliver_at_10 <= deliver_at_9;
    deliver_out <= deliver_at_10;
    if (rst) begin
      step_2 <= 1'b0;
      fresh_at__1 <= 1'b0;
      fresh_at_0 <= 1'b0;
      biased_0 <= 17'd0;
      i <= 10'd0;
      late_input_0 <= 16'd0;
      step_at__1 <= 1'b0;
      step_at_0 <= 1'b0;
      step_at_1 <= 1'b0;
      step_at_2 <= 1'b0;
      step_at_3 <= 1'b0;
      i_2 <= 17'd0;
      late_input_0_at_3 <= 16'd0;
      late_input_0_at_4 <= 16'd0;
      late_input_0_at_5 <= 16'd0;
      i_3 <= 12'd0;
      update_0_1 <= 8'd0;
      update_0_2 <= 8'd0;
      update_0_3 <= 8'd0;
      update_0_4 <= 8'd0;
      final_at_0 <= 1'b0;
      final_at_1 <= 1'b0;
      final_at_2 <= 1'b0;
      final_at_3 <= 1'b0;
      final_at_4 <= 1'b0;
      final_at_5 <= 1'b0;
      fresh_at_1 <= 1'b0;
      fresh_at_2 <= 1'b0;
      fresh_at_3 <= 1'b0;
      fresh_at_4 <= 1'b0;
      fresh_at_5 <= 1'b0;
      fresh_at_6 <= 1'b0;
      fresh_at_7 <= 1'b0;
      update_w_0 <= 9'd0;
      a_2 <= 8'd0;
      target_0_1 <= 8'd0;
      target_0_2 <= 8'd0;
      target_0_3 <= 8'd0;
      write_data <= 8'd0;
      final_at_6 <= 1'b0;
      final_at_7 <= 1'b0;
      final_at_8 <= 1'b0;
      final_at_9 <= 1'b0;
      final_at_10 <= 1'b0;
      write_enable <= 1'b0;
      deliver_at__1 <= 1'b0;
      deliver_at_0 <= 1'b0;
      deliver_at_1 <= 1'b0;
      deliver_at_2 <= 1'b0;
      deliver_at_3 <= 1'b0;
      deliver_at_4 <= 1'b0;
      deliver_at_5 <= 1'b0;
      deliver_at_6 <= 1'b0;
      deliver_at_7 <= 1'b0;
      deliver_at_8 <= 1'b0;
      deliver_at_9 <= 1'b0;
      deliver_at_10 <= 1'b0;
      deliver_out <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (step_at_3) begin
      kept_0_0 <= o_2;
      kept_0_1 <= kept_0_0;
      kept_0_2 <= kept_0_1;
      a <= kept_0_2;
    end
  end

  always @(posedge clk) begin
    if (final_at_5) read_address <= (read_address == 2'd3) ? 2'd0 : (read_address + 2'd1);
    if (rst) read_address <= 2'd0;
  end

  always @(posedge clk) begin
    if (write_enable) write_address <= (write_address == 2'd3) ? 2'd0 : (write_address + 2'd1);
    if (rst) write_address <= 2'd0;
  end

  // Parts.
  // The constants of a unit called what, again and again: those of the next element two cycles after step.
  top__layer1__cell__bias bias (
    .clk(clk),
    .rst(rst),
    .o(o),
    .step(step)
  );

  // Squash of a value in the range reached, squash.latency cycles later.
  top__layer1__cell__gate_0 gate_0 (
    .clk(clk),
    .rst(rst),
    .i(i),
    .o(o_2)
  );

  // Squash of a value in the range reached, squash.latency cycles later.
  top__layer1__cell__candidate_0 candidate_0 (
    .clk(clk),
    .rst(rst),
    .i(i_2),
    .o(reset_w_0)
  );

  // Squash of a value in the range reached, squash.latency cycles later.
  top__layer1__cell__state_0_110 state_0_2 (
    .clk(clk),
    .rst(rst),
    .i(i_3),
    .o(o_3)
  );

  top_layer1_reset reset (
    .clk(clk),
    .a(a),
    .w(reset_w_0),
    .p(p)
  );

  top_layer1_state state (
    .clk(clk),
    .write_enable(write_enable),
    .write_address(write_address),
    .write_data(write_data),
    .read_address(read_address),
    .read_data(read_data)
  );

  top_layer1_update update (
    .clk(clk),
    .a(a_2),
    .w(update_w_0),
    .p(p_2)
  );

  // Nobody reads these.
  wire unused = &{1'b0, query_wide_0[11:0], p_2[16:15], sum_2[6:0], sum_3[6:0]};
endmodule

// The constants of a unit called what, again and again: those of the next element two cycles after step.
module top__layer1__cell__bias (
  input wire clk,
  input wire rst,
  output wire [11:0] o,
  input wire step
);

  // Registers, and values that blocks compute.
  reg [3:0] address;

  // After power-on.
  initial begin
    address = 4'd0;
  end

  always @(posedge clk) begin
    if (step) address <= (address == 4'd11) ? 4'd0 : (address + 4'd1);
    if (rst) address <= 4'd0;
  end

  // Parts.
  top_layer1_bias rom (
    .clk(clk),
    .enable(1'b1),
    .output_enable(1'b1),
    .address(address),
    .data(o)
  );
endmodule

// Squash of a value in the range reached, squash.latency cycles later.
module top__layer1__cell__gate_0 (
  input wire clk,
  input wire rst,
  input wire [9:0] i,
  output reg [7:0] o
);

  // After power-on.
  initial begin
    o = 8'd0;
  end

  // Logic.
  wire over = (~i[9]) & (|i[9:7]);

  always @(posedge clk) begin
    o <= i[9] ? 8'd0 : (over ? 8'd128 : i[7:0]);
    if (rst) o <= 8'd0;
  end
endmodule

// Squash of a value in the range reached, squash.latency cycles later.
module top__layer1__cell__candidate_0 (
  input wire clk,
  input wire rst,
  input wire [16:0] i,
  output reg [15:0] o
);

  // After power-on.
  initial begin
    o = 16'd0;
  end

  // Logic.
  wire over = (~i[16]) & (|i[16:15]);
  wire both = i[16] & (~(&i[16:15]));

  always @(posedge clk) begin
    o <= both ? 16'h8000 : (over ? 16'h7fff : i[15:0]);
    if (rst) o <= 16'd0;
  end
endmodule

// Squash of a value in the range reached, squash.latency cycles later.
module top__layer1__cell__state_0_110 (
  input wire clk,
  input wire rst,
  input wire [11:0] i,
  output reg [7:0] o
);

  // After power-on.
  initial begin
    o = 8'd0;
  end

  // Logic.
  wire over = (~i[11]) & (|i[11:7]);
  wire both = i[11] & (~(&i[11:7]));

  always @(posedge clk) begin
    o <= both ? 8'd128 : (over ? 8'd127 : i[7:0]);
    if (rst) o <= 8'd0;
  end
endmodule

// Results of two steps, and out they go: result 0 first, m_last on the last one, m_user with it at the end of
// a sequence.
module top__sender (
  input wire clk,
  input wire rst,
  input wire m_ready,
  input wire write_enable,
  output wire release_,
  input wire valid,
  input wire last,
  input wire [1:0] write_row,
  input wire [7:0] write_data,
  output reg m_valid,
  output reg m_last,
  output reg m_user,
  output reg [31:0] m_data,
  input wire write_place,
  input wire place
);

  // Registers, and values that blocks compute.
  reg [1:0] index;
  reg [7:0] result;
  reg [7:0] word;
  reg register;
  reg register_2;
  reg user;

  // After power-on.
  initial begin
    register = 1'b0;
    register_2 = 1'b0;
    user = 1'b0;
    m_valid = 1'b0;
    m_last = 1'b0;
    m_user = 1'b0;
    m_data = 32'd0;
    index = 2'd0;
  end

  // At the beginning of a simulation this wakes the blocks whose inputs do not change.
  reg wake;
  initial wake = 1'b0;

  // Logic.
  wire either = (~m_valid) | m_ready;
  assign release_ = (either & valid) & (index == 2'd3);

  // Memories.
  reg [7:0] storage [0:7];
  initial begin
    storage[0] = 8'h00;
    storage[1] = 8'h00;
    storage[2] = 8'h00;
    storage[3] = 8'h00;
    storage[4] = 8'h00;
    storage[5] = 8'h00;
    storage[6] = 8'h00;
    storage[7] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable) storage[{write_place, write_row}] <= write_data;
  end
  always @(posedge clk) begin
    if (either) word <= storage[{place, index}];
  end

  always @* begin
    if (wake) begin end
    result = 8'd0;
    result = word;
  end

  always @(posedge clk) begin
    if (either) begin
      register <= valid;
      register_2 <= index == 2'd3;
      user <= (index == 2'd3) & last;
      m_valid <= register;
      m_last <= register_2 & register;
      m_user <= user & register;
      m_data <= {{24{result[7]}}, result};
      if (valid) index <= (index == 2'd3) ? 2'd0 : (index + 2'd1);
    end
    if (rst) begin
      register <= 1'b0;
      register_2 <= 1'b0;
      user <= 1'b0;
      m_valid <= 1'b0;
      m_last <= 1'b0;
      m_user <= 1'b0;
      m_data <= 32'd0;
      index <= 2'd0;
    end
  end
endmodule

// Which of places places, a power of two, hold steps, between one writer and one reader.
module top__results (
  input wire clk,
  input wire rst,
  input wire commit,
  input wire reserve,
  input wire release_,
  output wire free,
  output wire valid,
  output wire last,
  input wire reserve_last,
  output reg write_place,
  output reg place
);

  // Registers, and values that blocks compute.
  reg [1:0] register;
  reg [1:0] filled;
  reg reserve_place;
  reg flags_0;
  reg flags_1;

  // After power-on.
  initial begin
    register = 2'd0;
    filled = 2'd0;
    reserve_place = 1'b0;
    write_place = 1'b0;
    place = 1'b0;
    flags_0 = 1'b0;
    flags_1 = 1'b0;
  end

  // Logic.
  assign free = ~register[1];
  assign valid = filled != 2'd0;
  wire value = !place ? flags_0 : flags_1;
  assign last = value;

  always @(posedge clk) begin
    register <= (register + {1'b0, reserve}) - {1'b0, release_};
    filled <= (filled + {1'b0, commit}) - {1'b0, release_};
    reserve_place <= reserve_place + reserve;
    write_place <= write_place + commit;
    place <= place + release_;
    if (rst) begin
      register <= 2'd0;
      filled <= 2'd0;
      reserve_place <= 1'b0;
      write_place <= 1'b0;
      place <= 1'b0;
    end
  end

  always @(posedge clk) begin
    if (reserve & (reserve_place == 1'b0)) flags_0 <= reserve_last;
    if (rst) flags_0 <= 1'b0;
  end

  always @(posedge clk) begin
    if (reserve & (reserve_place == 1'b1)) flags_1 <= reserve_last;
    if (rst) flags_1 <= 1'b0;
  end
endmodule
