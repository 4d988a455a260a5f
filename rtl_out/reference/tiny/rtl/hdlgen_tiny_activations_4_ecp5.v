// hdlgen_tiny_activations_4: ecp5
//
// SPDX-License-Identifier: Apache-2.0
// Written by hdlgen; do not edit. What was trained, the weights, is whose it was before.
`timescale 1ns/1ps
// All modules of the design stand in this file.
/* verilator lint_off DECLFILENAME */

module hdlgen_tiny_activations_4 (
  input wire clk,
  input wire [3:0] write_enable,
  input wire [1:0] write_address,
  input wire [31:0] write_data,
  input wire [1:0] read_address,
  output reg [31:0] read_data
);

  // After power-on.
  initial begin
    read_data = 32'd0;
  end

  // What the parts give.
  wire value;
  wire value_2;

  // Logic.
  wire [7:0] read__data = column_0[{value_2, value}];
  wire [7:0] read__data_2 = column_1[{value_2, value}];
  wire [7:0] read__data_3 = column_2[{value_2, value}];
  wire [7:0] read__data_4 = column_3[{value_2, value}];

  // Memories.
  (* ram_style = "distributed" *)
  reg [7:0] column_0 [0:2];
  initial begin
    column_0[0] = 8'h00;
    column_0[1] = 8'h00;
    column_0[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[0]) column_0[write_address] <= write_data[7:0];
  end

  (* ram_style = "distributed" *)
  reg [7:0] column_1 [0:2];
  initial begin
    column_1[0] = 8'h00;
    column_1[1] = 8'h00;
    column_1[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[1]) column_1[write_address] <= write_data[15:8];
  end

  (* ram_style = "distributed" *)
  reg [7:0] column_2 [0:2];
  initial begin
    column_2[0] = 8'h00;
    column_2[1] = 8'h00;
    column_2[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[2]) column_2[write_address] <= write_data[23:16];
  end

  (* ram_style = "distributed" *)
  reg [7:0] column_3 [0:2];
  initial begin
    column_3[0] = 8'h00;
    column_3[1] = 8'h00;
    column_3[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[3]) column_3[write_address] <= write_data[31:24];
  end

  always @(posedge clk) begin
    read_data <= {read__data_4, read__data_3, read__data_2, read__data};
  end

  // Parts.
  // Fanout of flip-flops that synthesis does not look into, and so cannot merge.
  hdlgen_tiny_activations_4__address address (
    .clk(clk),
    .i(read_address),
    .value(value),
    .value_2(value_2)
  );
endmodule

// Fanout of flip-flops that synthesis does not look into, and so cannot merge.
module hdlgen_tiny_activations_4__address (
  input wire clk,
  input wire [1:0] i,
  output wire value,
  output wire value_2
);

  // What the parts give.
  wire value_3;
  wire value_4;

  // Logic.
  assign value = value_3;
  assign value_2 = value_4;

  // Parts.
  TRELLIS_FF #(.GSR("DISABLED"), .CEMUX("1"), .CLKMUX("CLK"), .LSRMUX("LSR"), .SRMODE("LSR_OVER_CE"),
      .REGSET("RESET")) copy_0_0 (
    .CLK(clk),
    .LSR(1'b0),
    .DI(i[0]),
    .Q(value_3)
  );

  TRELLIS_FF #(.GSR("DISABLED"), .CEMUX("1"), .CLKMUX("CLK"), .LSRMUX("LSR"), .SRMODE("LSR_OVER_CE"),
      .REGSET("RESET")) copy_0_1 (
    .CLK(clk),
    .LSR(1'b0),
    .DI(i[1]),
    .Q(value_4)
  );
endmodule
