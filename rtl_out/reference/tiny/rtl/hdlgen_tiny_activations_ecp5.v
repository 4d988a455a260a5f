// hdlgen_tiny_activations: ecp5
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny_activations(write_address, write_data, read_address, clk, read_data, write_enable);
  input clk;
  wire clk;
  input [1:0] read_address;
  wire [1:0] read_address;
  output [31:0] read_data;
  wire [31:0] read_data;
  input [1:0] write_address;
  wire [1:0] write_address;
  input [31:0] write_data;
  wire [31:0] write_data;
  input [3:0] write_enable;
  wire [3:0] write_enable;
  \hdlgen_tiny_activations.part  part (
    .clk(clk),
    .i(read_address),
    .read_data(read_data),
    .write_address(write_address),
    .write_data(write_data),
    .write_enable(write_enable)
  );
endmodule

module \hdlgen_tiny_activations.part (write_address, write_data, i, clk, read_data, write_enable);
  wire [31:0] \$1 ;
  wire \$2 ;
  wire \$3 ;
  wire [1:0] \$signature__addr ;
  wire [1:0] \$signature__addr$10 ;
  wire [1:0] \$signature__addr$14 ;
  wire [1:0] \$signature__addr$18 ;
  wire [7:0] \$signature__data ;
  wire [7:0] \$signature__data$11 ;
  wire [7:0] \$signature__data$15 ;
  wire [7:0] \$signature__data$19 ;
  wire \$signature__en ;
  wire \$signature__en$12 ;
  wire \$signature__en$16 ;
  wire \$signature__en$20 ;
  input clk;
  wire clk;
  input [1:0] i;
  wire [1:0] i;
  wire [1:0] o;
  wire [1:0] read__addr;
  wire [1:0] \read__addr$13 ;
  wire [1:0] \read__addr$17 ;
  wire [1:0] \read__addr$21 ;
  wire [7:0] read__data;
  wire [7:0] \read__data$25 ;
  wire [7:0] \read__data$26 ;
  wire [7:0] \read__data$27 ;
  wire [1:0] read_address;
  output [31:0] read_data;
  reg [31:0] read_data = 32'd0;
  input [1:0] write_address;
  wire [1:0] write_address;
  input [31:0] write_data;
  wire [31:0] write_data;
  input [3:0] write_enable;
  wire [3:0] write_enable;
  (* ram_style = "distributed" *)
  reg [7:0] column_0 [2:0];
  initial begin
    column_0[0] = 8'h00;
    column_0[1] = 8'h00;
    column_0[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[0])
      column_0[write_address] <= write_data[7:0];
  end
  assign read__data = column_0[{ \$3 , \$2  }];
  (* ram_style = "distributed" *)
  reg [7:0] column_1 [2:0];
  initial begin
    column_1[0] = 8'h00;
    column_1[1] = 8'h00;
    column_1[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[1])
      column_1[write_address] <= write_data[15:8];
  end
  assign \read__data$25  = column_1[{ \$3 , \$2  }];
  (* ram_style = "distributed" *)
  reg [7:0] column_2 [2:0];
  initial begin
    column_2[0] = 8'h00;
    column_2[1] = 8'h00;
    column_2[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[2])
      column_2[write_address] <= write_data[23:16];
  end
  assign \read__data$26  = column_2[{ \$3 , \$2  }];
  (* ram_style = "distributed" *)
  reg [7:0] column_3 [2:0];
  initial begin
    column_3[0] = 8'h00;
    column_3[1] = 8'h00;
    column_3[2] = 8'h00;
  end
  always @(posedge clk) begin
    if (write_enable[3])
      column_3[write_address] <= write_data[31:24];
  end
  assign \read__data$27  = column_3[{ \$3 , \$2  }];
  always @(posedge clk)
    read_data <= \$1 ;
  \hdlgen_tiny_activations.part.address  address (
    .clk(clk),
    .i(i),
    .\port$1$0 (\$2 ),
    .\port$2$0 (\$3 )
  );
  assign read_address = i;
  assign \$signature__addr  = write_address;
  assign \$signature__data  = write_data[7:0];
  assign \$signature__en  = write_enable[0];
  assign read__addr = { \$3 , \$2  };
  assign o = { \$3 , \$2  };
  assign \$signature__addr$10  = write_address;
  assign \$signature__data$11  = write_data[15:8];
  assign \$signature__en$12  = write_enable[1];
  assign \read__addr$13  = { \$3 , \$2  };
  assign \$signature__addr$14  = write_address;
  assign \$signature__data$15  = write_data[23:16];
  assign \$signature__en$16  = write_enable[2];
  assign \read__addr$17  = { \$3 , \$2  };
  assign \$signature__addr$18  = write_address;
  assign \$signature__data$19  = write_data[31:24];
  assign \$signature__en$20  = write_enable[3];
  assign \read__addr$21  = { \$3 , \$2  };
  assign \$1 [31:24] = \read__data$27 ;
  assign \$1 [23:16] = \read__data$26 ;
  assign \$1 [15:8] = \read__data$25 ;
  assign \$1 [7:0] = read__data;
endmodule

module \hdlgen_tiny_activations.part.address (clk, \port$1$0 , \port$2$0 , i);
  wire \$1 ;
  wire \$2 ;
  input clk;
  wire clk;
  input [1:0] i;
  wire [1:0] i;
  wire [1:0] o;
  output \port$1$0 ;
  wire \port$1$0 ;
  output \port$2$0 ;
  wire \port$2$0 ;
  TRELLIS_FF #(
    .CEMUX("1"),
    .CLKMUX("CLK"),
    .GSR("DISABLED"),
    .LSRMUX("LSR"),
    .REGSET("RESET"),
    .SRMODE("LSR_OVER_CE")
  ) copy_0_0 (
    .CLK(clk),
    .DI(i[0]),
    .LSR(1'h0),
    .Q(\$1 )
  );
  TRELLIS_FF #(
    .CEMUX("1"),
    .CLKMUX("CLK"),
    .GSR("DISABLED"),
    .LSRMUX("LSR"),
    .REGSET("RESET"),
    .SRMODE("LSR_OVER_CE")
  ) copy_0_1 (
    .CLK(clk),
    .DI(i[1]),
    .LSR(1'h0),
    .Q(\$2 )
  );
  assign o = { \$2 , \$1  };
  assign \port$1$0  = \$1 ;
  assign \port$2$0  = \$2 ;
endmodule
