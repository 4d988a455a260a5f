// hdlgen_tiny: the core
// Written by hdlgen; do not edit.
`default_nettype wire
`timescale 1ns/1ps

module hdlgen_tiny(s_axis_tvalid, s_axis_tlast, m_axis_tready, clk, rst, s_axis_tready, m_axis_tdata, m_axis_tvalid, m_axis_tlast, frame_error, s_axis_tdata);
  wire [17:0] \$1 ;
  wire accept;
  input clk;
  wire clk;
  output frame_error;
  wire frame_error;
  wire \frame_error$34 ;
  wire go;
  output [31:0] m_axis_tdata;
  wire [31:0] m_axis_tdata;
  output m_axis_tlast;
  wire m_axis_tlast;
  input m_axis_tready;
  wire m_axis_tready;
  output m_axis_tvalid;
  wire m_axis_tvalid;
  wire [31:0] m_data;
  wire m_last;
  wire m_ready;
  wire m_valid;
  wire [31:0] o__payload;
  wire o__ready;
  wire o__valid;
  wire ready_next;
  wire request__payload;
  wire \request__payload$12 ;
  wire request__ready;
  wire \request__ready$14 ;
  wire request__valid;
  wire \request__valid$16 ;
  input rst;
  wire rst;
  input [7:0] s_axis_tdata;
  wire [7:0] s_axis_tdata;
  input s_axis_tlast;
  wire s_axis_tlast;
  output s_axis_tready;
  wire s_axis_tready;
  input s_axis_tvalid;
  wire s_axis_tvalid;
  wire [7:0] s_data;
  wire s_last;
  wire s_ready;
  wire s_valid;
  wire [31:0] weights__payload;
  wire weights__ready;
  wire weights__valid;
  wire weights_next;
  \hdlgen_tiny.engine  engine (
    .clk(clk),
    .data(s_axis_tdata),
    .frame_error(frame_error),
    .last(s_axis_tlast),
    .m_last(m_axis_tlast),
    .m_valid(m_axis_tvalid),
    .\port$1047$0 (\$1 ),
    .\ready$109 (m_axis_tready),
    .request__payload(request__payload),
    .request__valid(request__valid),
    .rst(rst),
    .s_ready(s_axis_tready),
    .valid(s_axis_tvalid),
    .w(weights__payload),
    .weights__ready(o__ready),
    .weights_next(ready_next)
  );
  \hdlgen_tiny.weights  weights (
    .clk(clk),
    .o__payload(weights__payload),
    .ready_next(ready_next),
    .request__ready(request__ready),
    .rst(rst),
    .valid_2(weights__valid),
    .w_data(request__payload),
    .w_en(request__valid)
  );
  assign \request__payload$12  = request__payload;
  assign \request__ready$14  = request__ready;
  assign \request__valid$16  = request__valid;
  assign go = 1'h1;
  assign o__payload = weights__payload;
  assign weights__ready = o__ready;
  assign o__valid = weights__valid;
  assign weights_next = ready_next;
  assign s_data = s_axis_tdata;
  assign s_valid = s_axis_tvalid;
  assign s_ready = s_axis_tready;
  assign s_last = s_axis_tlast;
  assign m_data = { \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1  };
  assign m_valid = m_axis_tvalid;
  assign m_ready = m_axis_tready;
  assign m_last = m_axis_tlast;
  assign \frame_error$34  = frame_error;
  assign accept = 1'h1;
  assign m_axis_tdata = { \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1 [17], \$1  };
endmodule

module \hdlgen_tiny.engine (valid, last, \ready$109 , clk, rst, request__valid, s_ready, w, weights_next, weights__ready, frame_error, request__payload, m_valid, \port$1047$0 , m_last, data);
  reg \$auto$verilog_backend.cc:2355:dump_module$1 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$1  = 0;
  wire \$1 ;
  reg \$10 ;
  reg \$11 ;
  reg \$12 ;
  reg \$13 ;
  reg \$14 ;
  reg \$15 ;
  reg \$16 ;
  reg \$17 ;
  reg \$18 ;
  reg \$19 ;
  wire \$2 ;
  reg \$20 ;
  reg \$21 ;
  reg [1:0] \$22 ;
  reg [1:0] \$23 ;
  reg [1:0] \$24 ;
  reg [1:0] \$25 ;
  reg [1:0] \$26 ;
  reg [1:0] \$27 ;
  reg [1:0] \$28 ;
  reg [1:0] \$29 ;
  wire \$3 ;
  reg [3:0] \$30 ;
  reg [3:0] \$31 ;
  reg [3:0] \$32 ;
  reg [3:0] \$33 ;
  reg [3:0] \$34 ;
  reg [3:0] \$35 ;
  reg [3:0] \$36 ;
  reg [3:0] \$37 ;
  reg [3:0] \$38 ;
  reg \$39 ;
  wire \$4 ;
  reg \$40 ;
  reg \$41 ;
  reg \$42 ;
  reg \$43 ;
  reg \$44 ;
  reg \$45 ;
  reg \$46 ;
  reg \$47 ;
  reg \$48 ;
  reg \$49 ;
  reg [1:0] \$5 ;
  reg \$50 ;
  wire [7:0] \$51 ;
  wire [7:0] \$52 ;
  wire [7:0] \$53 ;
  wire [7:0] \$54 ;
  wire [17:0] \$55 ;
  wire [17:0] \$56 ;
  wire [17:0] \$57 ;
  wire [17:0] \$58 ;
  wire [7:0] \$59 ;
  reg \$6 ;
  wire [7:0] \$60 ;
  wire [7:0] \$61 ;
  wire [7:0] \$62 ;
  wire [17:0] \$63 ;
  reg \$7 ;
  reg \$8 ;
  reg \$9 ;
  wire [31:0] a;
  wire accept;
  wire \accept$19 ;
  wire [1:0] address;
  reg [1:0] ahead_0 = 2'h0;
  reg [1:0] ahead_1 = 2'h0;
  reg [1:0] ahead_2 = 2'h0;
  reg [1:0] ahead_3 = 2'h0;
  reg [1:0] ahead_4 = 2'h0;
  reg [1:0] ahead_5 = 2'h0;
  reg [1:0] ahead_6 = 2'h0;
  wire buffer;
  wire \buffer$42 ;
  wire carry;
  wire \carry$144 ;
  input clk;
  wire clk;
  wire [1:0] counter;
  wire [1:0] \counter$40 ;
  wire [1:0] \counter$48 ;
  input [7:0] data;
  wire [7:0] data;
  wire [31:0] \data$106 ;
  wire [1:0] done;
  wire \done$114 ;
  wire done_parity;
  wire \end ;
  wire end_job;
  wire [1:0] exchange;
  wire \final ;
  wire first;
  wire \first$37 ;
  wire \first$44 ;
  reg [1:0] flush = 2'h3;
  wire \flush$135 ;
  wire \flush$71 ;
  wire \flush$76 ;
  wire flush_next;
  reg [3:0] frame_0 = 4'h0;
  reg [3:0] frame_1 = 4'h0;
  reg [3:0] frame_2 = 4'h0;
  reg [3:0] frame_3 = 4'h0;
  reg [3:0] frame_4 = 4'h0;
  reg [3:0] frame_5 = 4'h0;
  reg [3:0] frame_6 = 4'h0;
  reg [3:0] frame_7 = 4'h0;
  output frame_error;
  wire frame_error;
  wire \frame_error$9 ;
  reg [3:0] frame_last_0 = 4'h0;
  wire go;
  wire \go$17 ;
  wire [31:0] i;
  wire [63:0] \i$63 ;
  wire idle;
  wire \idle$21 ;
  wire [1:0] input_address;
  wire [7:0] input_data;
  wire [3:0] input_enable;
  wire job;
  wire \job$38 ;
  wire \job$47 ;
  wire \job$79 ;
  input last;
  wire last;
  wire \last$112 ;
  wire \last$45 ;
  wire \last$46 ;
  wire [18:0] load;
  wire [18:0] \load$23 ;
  wire [-1:0] \load$23.address ;
  wire \load$23.bank ;
  wire [15:0] \load$23.data ;
  wire [-1:0] \load$23.piece ;
  wire [1:0] \load$23.select ;
  wire [18:0] \load$24 ;
  wire [-1:0] \load$24.address ;
  wire \load$24.bank ;
  wire [15:0] \load$24.data ;
  wire [-1:0] \load$24.piece ;
  wire [1:0] \load$24.select ;
  wire [-1:0] \load.address ;
  wire \load.bank ;
  wire [15:0] \load.data ;
  wire [-1:0] \load.piece ;
  wire [1:0] \load.select ;
  wire loaded;
  wire \loaded$26 ;
  wire [31:0] m_data;
  output m_last;
  wire m_last;
  wire m_ready;
  output m_valid;
  wire m_valid;
  wire [31:0] o;
  wire [71:0] \o$73 ;
  wire o_final;
  wire o_job;
  wire o_valid;
  wire [63:0] p;
  reg parity = 1'h0;
  wire \parity$154 ;
  reg parity_0 = 1'h0;
  reg parity_1 = 1'h0;
  reg parity_10 = 1'h0;
  (* init = 1'h0 *)
  wire parity_11;
  reg parity_2 = 1'h0;
  reg parity_3 = 1'h0;
  reg parity_4 = 1'h0;
  reg parity_5 = 1'h0;
  reg parity_6 = 1'h0;
  reg parity_7 = 1'h0;
  reg parity_8 = 1'h0;
  reg parity_9 = 1'h0;
  wire [1:0] partial_position;
  wire partial_result;
  wire partial_row;
  wire [17:0] partial_value;
  output [17:0] \port$1047$0 ;
  wire [17:0] \port$1047$0 ;
  wire [1:0] read_address;
  wire [31:0] read_data;
  wire [-1:0] read_split;
  wire ready;
  input \ready$109 ;
  wire \ready$109 ;
  reg \release  = 1'h0;
  reg release_0 = 1'h0;
  reg release_1 = 1'h0;
  reg release_2 = 1'h0;
  reg release_3 = 1'h0;
  reg release_4 = 1'h0;
  reg release_5 = 1'h0;
  (* init = 1'h0 *)
  wire release_6;
  output request__payload;
  wire request__payload;
  output request__valid;
  wire request__valid;
  wire [-1:0] row;
  wire [-1:0] \row$145 ;
  wire [1:0] row_address;
  wire [1:0] \row_address$91 ;
  wire [31:0] row_data;
  wire [31:0] \row_data$93 ;
  wire [3:0] row_enable;
  wire [3:0] \row_enable$89 ;
  wire row_next;
  wire \row_next$83 ;
  wire row_soon;
  wire \row_soon$85 ;
  wire row_valid;
  wire \row_valid$87 ;
  input rst;
  wire rst;
  wire [7:0] s_data;
  wire s_last;
  output s_ready;
  wire s_ready;
  wire s_valid;
  reg [1:0] select = 2'h0;
  (* init = 2'h0 *)
  wire [1:0] select_0;
  wire sent;
  wire \sent$30 ;
  wire [-1:0] split;
  wire start;
  wire [71:0] sums;
  wire take;
  wire \take$28 ;
  reg take_weights_0 = 1'h0;
  reg take_weights_1 = 1'h0;
  reg take_weights_2 = 1'h0;
  reg take_weights_3 = 1'h0;
  reg take_weights_4 = 1'h0;
  reg take_weights_5 = 1'h0;
  reg take_weights_6 = 1'h0;
  (* init = 1'h0 *)
  wire take_weights_7;
  input valid;
  wire valid;
  wire \valid$108 ;
  wire \valid$32 ;
  wire \valid$36 ;
  wire \valid$43 ;
  wire \valid$69 ;
  input [31:0] w;
  wire [31:0] w;
  wire [31:0] weights__payload;
  output weights__ready;
  reg weights__ready = 1'h0;
  output weights_next;
  reg weights_next = 1'h0;
  wire [1:0] write_address;
  wire [7:0] write_data;
  wire [3:0] write_enable;
  wire \write_enable$94 ;
  wire [1:0] write_position;
  wire [-1:0] write_row;
  wire [17:0] write_value;
  always @(posedge clk)
    release_4 <= \$19 ;
  always @(posedge clk)
    release_5 <= \$20 ;
  always @(posedge clk)
    \release  <= \$21 ;
  always @(posedge clk)
    ahead_0 <= \$22 ;
  always @(posedge clk)
    ahead_1 <= \$23 ;
  always @(posedge clk)
    ahead_2 <= \$24 ;
  always @(posedge clk)
    ahead_3 <= \$25 ;
  always @(posedge clk)
    ahead_4 <= \$26 ;
  always @(posedge clk)
    ahead_5 <= \$27 ;
  always @(posedge clk)
    ahead_6 <= \$28 ;
  always @(posedge clk)
    flush <= \$29 ;
  always @(posedge clk)
    frame_0 <= \$30 ;
  always @(posedge clk)
    frame_1 <= \$31 ;
  always @(posedge clk)
    frame_2 <= \$32 ;
  always @(posedge clk)
    frame_3 <= \$33 ;
  always @(posedge clk)
    frame_4 <= \$34 ;
  always @(posedge clk)
    frame_5 <= \$35 ;
  always @(posedge clk)
    frame_6 <= \$36 ;
  always @(posedge clk)
    frame_7 <= \$37 ;
  always @(posedge clk)
    frame_last_0 <= \$38 ;
  always @(posedge clk)
    parity_0 <= \$39 ;
  always @(posedge clk)
    parity_1 <= \$40 ;
  always @(posedge clk)
    parity_2 <= \$41 ;
  always @(posedge clk)
    parity_3 <= \$42 ;
  always @(posedge clk)
    parity_4 <= \$43 ;
  always @(posedge clk)
    parity_5 <= \$44 ;
  always @(posedge clk)
    parity_6 <= \$45 ;
  always @(posedge clk)
    parity_7 <= \$46 ;
  always @(posedge clk)
    parity_8 <= \$47 ;
  always @(posedge clk)
    parity_9 <= \$48 ;
  always @(posedge clk)
    parity_10 <= \$49 ;
  always @(posedge clk)
    parity <= \$50 ;
  assign request__valid = \valid$32  & first;
  assign start = \end  & \$1 ;
  assign done = \done$114  << done_parity;
  assign \$2  = ! request__payload;
  assign \$3  = \$2  & \valid$32 ;
  assign \$4  = \$3  & \last$45 ;
  always @(posedge clk)
    select <= \$5 ;
  always @(posedge clk)
    take_weights_0 <= \$6 ;
  always @(posedge clk)
    take_weights_1 <= \$7 ;
  always @(posedge clk)
    take_weights_2 <= \$8 ;
  always @(posedge clk)
    take_weights_3 <= \$9 ;
  always @(posedge clk)
    take_weights_4 <= \$10 ;
  always @(posedge clk)
    take_weights_5 <= \$11 ;
  always @(posedge clk)
    take_weights_6 <= \$12 ;
  always @(posedge clk)
    weights_next <= \$13 ;
  always @(posedge clk)
    weights__ready <= \$14 ;
  always @(posedge clk)
    release_0 <= \$15 ;
  always @(posedge clk)
    release_1 <= \$16 ;
  always @(posedge clk)
    release_2 <= \$17 ;
  always @(posedge clk)
    release_3 <= \$18 ;
  \hdlgen_tiny.engine.accumulators  accumulators (
    .clk(clk),
    .i(flush),
    .\i$18 (\i$63 ),
    .rst(rst),
    .total_0(\$55 ),
    .total_1(\$56 ),
    .total_2(\$57 ),
    .total_3(\$58 )
  );
  \hdlgen_tiny.engine.activations  activations (
    .clk(clk),
    .i(row_next),
    .input_address(input_address),
    .input_data(input_data),
    .input_enable(input_enable),
    .\port$955$0 (\$59 ),
    .\port$956$0 (\$60 ),
    .\port$957$0 (\$61 ),
    .\port$958$0 (\$62 ),
    .read_address(read_address),
    .read_data(i),
    .row_address(row_address),
    .row_enable(row_enable),
    .row_valid(row_valid),
    .rst(rst)
  );
  \hdlgen_tiny.engine.drain  drain (
    .clk(clk),
    .done(\done$114 ),
    .done_parity(done_parity),
    .\end (\end ),
    .end_job(end_job),
    .gathered_0(\$59 ),
    .gathered_1(\$60 ),
    .gathered_2(\$61 ),
    .gathered_3(\$62 ),
    .i(frame_7[1]),
    .parity(parity),
    .partial_position(write_position),
    .partial_result(\write_enable$94 ),
    .partial_row(partial_row),
    .partial_value(write_value),
    .\port$366$0 (\$55 ),
    .\port$367$0 (\$56 ),
    .\port$368$0 (\$57 ),
    .\port$369$0 (\$58 ),
    .\port$669$0 (frame_last_0),
    .row_address(row_address),
    .row_enable(row_enable),
    .row_next(row_next),
    .row_soon(row_soon),
    .row_valid(row_valid),
    .rst(rst)
  );
  \hdlgen_tiny.engine.exchange$170  \exchange$170  (
    .clk(clk),
    .\i$13 (i),
    .lane_1_0(\$51 ),
    .lane_1_1(\$52 ),
    .lane_1_2(\$53 ),
    .lane_1_3(\$54 ),
    .rst(rst),
    .select(select)
  );
  \hdlgen_tiny.engine.framer  framer (
    .carry(\carry$144 ),
    .clk(clk),
    .counter(counter),
    .first(first),
    .flush(\flush$135 ),
    .job(request__payload),
    .last(\last$45 ),
    .o_final(o_final),
    .o_job(o_job),
    .o_valid(o_valid),
    .rst(rst),
    .valid(\valid$32 )
  );
  \hdlgen_tiny.engine.loader  loader (
    .clk(clk),
    .data(data),
    .frame_error(frame_error),
    .last(last),
    .loaded(loaded),
    .ready(s_ready),
    .\release (\release ),
    .row_soon(row_soon),
    .rst(rst),
    .take(take),
    .valid(valid),
    .write_address(input_address),
    .write_data(input_data),
    .write_enable(input_enable)
  );
  \hdlgen_tiny.engine.multiplier  multiplier (
    .clk(clk),
    .p(\i$63 ),
    .\port$894$0 (\$51 ),
    .\port$895$0 (\$52 ),
    .\port$896$0 (\$53 ),
    .\port$897$0 (\$54 ),
    .w(w)
  );
  \hdlgen_tiny.engine.results  results (
    .clk(clk),
    .last(m_last),
    .ready(\ready$109 ),
    .result(\$63 ),
    .rst(rst),
    .sent(sent),
    .start(start),
    .valid(m_valid),
    .write_enable(\write_enable$94 ),
    .write_position(write_position),
    .write_value(write_value)
  );
  \hdlgen_tiny.engine.sequencer  sequencer (
    .clk(clk),
    .counter(counter),
    .done(done),
    .first(first),
    .idle(idle),
    .job(request__payload),
    .last(\last$45 ),
    .loaded(loaded),
    .parity(\parity$154 ),
    .rst(rst),
    .sent(sent),
    .take(take),
    .valid(\valid$32 )
  );
  \hdlgen_tiny.engine.walker  walker (
    .address(read_address),
    .clk(clk),
    .counter(counter),
    .exchange(exchange),
    .first(first),
    .job(request__payload),
    .rst(rst),
    .valid(\valid$32 )
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$20  = release_4;
    if (rst) begin
      \$20  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$21  = release_5;
    if (rst) begin
      \$21  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$22  = { \flush$135 , o_valid };
    if (rst) begin
      \$22  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$23  = ahead_0;
    if (rst) begin
      \$23  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$24  = ahead_1;
    if (rst) begin
      \$24  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$25  = ahead_2;
    if (rst) begin
      \$25  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$26  = ahead_3;
    if (rst) begin
      \$26  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$27  = ahead_4;
    if (rst) begin
      \$27  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$28  = ahead_5;
    if (rst) begin
      \$28  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$29  = ahead_6;
    if (rst) begin
      \$29  = 2'h3;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$30  = { o_job, \carry$144 , \flush$135 , o_final };
    if (rst) begin
      \$30  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$31  = frame_0;
    if (rst) begin
      \$31  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$32  = frame_1;
    if (rst) begin
      \$32  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$33  = frame_2;
    if (rst) begin
      \$33  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$34  = frame_3;
    if (rst) begin
      \$34  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$35  = frame_4;
    if (rst) begin
      \$35  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$36  = frame_5;
    if (rst) begin
      \$36  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$37  = frame_6;
    if (rst) begin
      \$37  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$38  = frame_7;
    if (rst) begin
      \$38  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$39  = \parity$154 ;
    if (rst) begin
      \$39  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$40  = parity_0;
    if (rst) begin
      \$40  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$41  = parity_1;
    if (rst) begin
      \$41  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$42  = parity_2;
    if (rst) begin
      \$42  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$43  = parity_3;
    if (rst) begin
      \$43  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$44  = parity_4;
    if (rst) begin
      \$44  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$45  = parity_5;
    if (rst) begin
      \$45  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$46  = parity_6;
    if (rst) begin
      \$46  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$47  = parity_7;
    if (rst) begin
      \$47  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$48  = parity_8;
    if (rst) begin
      \$48  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$49  = parity_9;
    if (rst) begin
      \$49  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$50  = parity_10;
    if (rst) begin
      \$50  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$5  = exchange;
    if (rst) begin
      \$5  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$6  = \valid$32 ;
    if (rst) begin
      \$6  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$7  = take_weights_0;
    if (rst) begin
      \$7  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$8  = take_weights_1;
    if (rst) begin
      \$8  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$9  = take_weights_2;
    if (rst) begin
      \$9  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$10  = take_weights_3;
    if (rst) begin
      \$10  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$11  = take_weights_4;
    if (rst) begin
      \$11  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$12  = take_weights_5;
    if (rst) begin
      \$12  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$13  = take_weights_6;
    if (rst) begin
      \$13  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$14  = weights_next;
    if (rst) begin
      \$14  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$15  = \$4 ;
    if (rst) begin
      \$15  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$16  = release_0;
    if (rst) begin
      \$16  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$17  = release_1;
    if (rst) begin
      \$17  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$18  = release_2;
    if (rst) begin
      \$18  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$1 ) begin end
    \$19  = release_3;
    if (rst) begin
      \$19  = 1'h0;
    end
  end
  assign s_data = data;
  assign s_valid = valid;
  assign ready = s_ready;
  assign s_last = last;
  assign \frame_error$9  = frame_error;
  assign write_enable = input_enable;
  assign write_address = input_address;
  assign write_data = input_data;
  assign go = 1'h1;
  assign \go$17  = 1'h1;
  assign accept = 1'h1;
  assign \accept$19  = 1'h1;
  assign \idle$21  = idle;
  assign load = 19'h00000;
  assign \load$23  = 19'h00000;
  assign \load$24  = 19'h00000;
  assign \loaded$26  = loaded;
  assign \take$28  = take;
  assign \sent$30  = sent;
  assign job = request__payload;
  assign \valid$36  = \valid$32 ;
  assign \first$37  = first;
  assign \job$38  = request__payload;
  assign \counter$40  = counter;
  assign buffer = 1'h0;
  assign \buffer$42  = 1'h0;
  assign \valid$43  = \valid$32 ;
  assign \first$44  = first;
  assign \last$46  = \last$45 ;
  assign \job$47  = request__payload;
  assign \counter$48  = counter;
  assign address = read_address;
  assign read_data = i;
  assign select_0 = select;
  assign a = { \$54 , \$53 , \$52 , \$51  };
  assign o = { \$54 , \$53 , \$52 , \$51  };
  assign weights__payload = w;
  assign take_weights_7 = weights_next;
  assign p = \i$63 ;
  assign release_6 = \release ;
  assign flush_next = frame_7[1];
  assign \valid$69  = flush[0];
  assign \flush$71  = flush[1];
  assign sums = { \$58 , \$57 , \$56 , \$55  };
  assign \o$73  = { \$58 , \$57 , \$56 , \$55  };
  assign \final  = frame_last_0[0];
  assign \flush$76  = frame_last_0[1];
  assign carry = frame_last_0[2];
  assign \job$79  = frame_last_0[3];
  assign parity_11 = parity;
  assign \row_next$83  = row_next;
  assign \row_soon$85  = row_soon;
  assign \row_valid$87  = row_valid;
  assign \row_enable$89  = row_enable;
  assign \row_address$91  = row_address;
  assign row_data = { \$62 , \$61 , \$60 , \$59  };
  assign \row_data$93  = { \$62 , \$61 , \$60 , \$59  };
  assign partial_result = \write_enable$94 ;
  assign partial_position = write_position;
  assign partial_value = write_value;
  assign m_data = { \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63  };
  assign \data$106  = { \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63 [17], \$63  };
  assign \valid$108  = m_valid;
  assign m_ready = \ready$109 ;
  assign \last$112  = m_last;
  assign \port$1047$0  = \$63 ;
  assign \load.bank  = 1'h0;
  assign \load.select  = 2'h0;
  assign \load.data  = 16'h0000;
  assign \load$23.bank  = 1'h0;
  assign \load$23.select  = 2'h0;
  assign \load$23.data  = 16'h0000;
  assign \load$24.bank  = 1'h0;
  assign \load$24.select  = 2'h0;
  assign \load$24.data  = 16'h0000;
  assign \$1  = end_job;
endmodule

module \hdlgen_tiny.engine.accumulators (rst, \i$18 , total_0, total_1, total_2, total_3, i, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$2 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$2  = 0;
  wire [18:0] \$1 ;
  wire [18:0] \$2 ;
  wire [18:0] \$3 ;
  wire [18:0] \$4 ;
  reg [17:0] \$5 ;
  reg [17:0] \$6 ;
  reg [17:0] \$7 ;
  reg [17:0] \$8 ;
  input clk;
  wire clk;
  wire flush;
  input [1:0] i;
  wire [1:0] i;
  input [63:0] \i$18 ;
  wire [63:0] \i$18 ;
  wire [71:0] o;
  wire [1:0] \o$19 ;
  reg [15:0] product_0 = 16'h0000;
  reg [15:0] product_1 = 16'h0000;
  reg [15:0] product_2 = 16'h0000;
  reg [15:0] product_3 = 16'h0000;
  input rst;
  wire rst;
  reg [17:0] sum_0 = 18'h00000;
  reg [17:0] sum_1 = 18'h00000;
  reg [17:0] sum_2 = 18'h00000;
  reg [17:0] sum_3 = 18'h00000;
  output [17:0] total_0;
  wire [17:0] total_0;
  output [17:0] total_1;
  wire [17:0] total_1;
  output [17:0] total_2;
  wire [17:0] total_2;
  output [17:0] total_3;
  wire [17:0] total_3;
  wire valid;
  assign \$2  = $signed(sum_1) + $signed(product_1);
  assign \$3  = $signed(sum_2) + $signed(product_2);
  assign \$4  = $signed(sum_3) + $signed(product_3);
  always @(posedge clk)
    product_0 <= \i$18 [15:0];
  always @(posedge clk)
    sum_0 <= \$5 ;
  always @(posedge clk)
    product_1 <= \i$18 [31:16];
  always @(posedge clk)
    sum_1 <= \$6 ;
  always @(posedge clk)
    product_2 <= \i$18 [47:32];
  always @(posedge clk)
    sum_2 <= \$7 ;
  always @(posedge clk)
    product_3 <= \i$18 [63:48];
  always @(posedge clk)
    sum_3 <= \$8 ;
  assign \$1  = $signed(sum_0) + $signed(product_0);
  \hdlgen_tiny.engine.accumulators.fanout  fanout (
    .clk(clk),
    .copies(\o$19 ),
    .i(i),
    .rst(rst)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$2 ) begin end
    \$5  = sum_0;
    if (\o$19 [0]) begin
      \$5  = \$1 [17:0];
    end
    if (\o$19 [1]) begin
      \$5  = 18'h00000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$2 ) begin end
    \$6  = sum_1;
    if (\o$19 [0]) begin
      \$6  = \$2 [17:0];
    end
    if (\o$19 [1]) begin
      \$6  = 18'h00000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$2 ) begin end
    \$7  = sum_2;
    if (\o$19 [0]) begin
      \$7  = \$3 [17:0];
    end
    if (\o$19 [1]) begin
      \$7  = 18'h00000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$2 ) begin end
    \$8  = sum_3;
    if (\o$19 [0]) begin
      \$8  = \$4 [17:0];
    end
    if (\o$19 [1]) begin
      \$8  = 18'h00000;
    end
  end
  assign valid = i[0];
  assign flush = i[1];
  assign o = { \$4 [17:0], \$3 [17:0], \$2 [17:0], \$1 [17:0] };
  assign total_0 = \$1 [17:0];
  assign total_1 = \$2 [17:0];
  assign total_2 = \$3 [17:0];
  assign total_3 = \$4 [17:0];
endmodule

module \hdlgen_tiny.engine.accumulators.fanout (rst, i, copies, clk);
  input clk;
  wire clk;
  output [1:0] copies;
  reg [1:0] copies = 2'h0;
  input [1:0] i;
  wire [1:0] i;
  (* init = 2'h0 *)
  wire [1:0] o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.activations (rst, input_enable, read_data, i, input_data, input_address, read_address, \port$955$0 , \port$956$0 , \port$957$0 , \port$958$0 , row_address, row_valid, row_enable, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$3 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$3  = 0;
  wire [3:0] \$1 ;
  wire [7:0] \$2 ;
  wire [7:0] \$3 ;
  wire [7:0] \$4 ;
  wire [7:0] \$5 ;
  reg [3:0] \$6 ;
  wire [1:0] address_0;
  input clk;
  wire clk;
  reg [7:0] data_0_0 = 8'h00;
  reg [7:0] data_0_1 = 8'h00;
  reg [7:0] data_0_2 = 8'h00;
  reg [7:0] data_0_3 = 8'h00;
  (* init = 4'h0 *)
  wire [3:0] enable_0;
  input i;
  wire i;
  wire [1:0] \i$6 ;
  input [1:0] input_address;
  wire [1:0] input_address;
  input [7:0] input_data;
  wire [7:0] input_data;
  input [3:0] input_enable;
  wire [3:0] input_enable;
  wire [1:0] o;
  wire \o$24 ;
  input [7:0] \port$955$0 ;
  wire [7:0] \port$955$0 ;
  input [7:0] \port$956$0 ;
  wire [7:0] \port$956$0 ;
  input [7:0] \port$957$0 ;
  wire [7:0] \port$957$0 ;
  input [7:0] \port$958$0 ;
  wire [7:0] \port$958$0 ;
  input [1:0] read_address;
  wire [1:0] read_address;
  wire [1:0] \read_address$17 ;
  output [31:0] read_data;
  wire [31:0] read_data;
  wire [31:0] \read_data$19 ;
  input [1:0] row_address;
  wire [1:0] row_address;
  wire [31:0] row_data;
  input [3:0] row_enable;
  wire [3:0] row_enable;
  wire row_next;
  input row_valid;
  wire row_valid;
  input rst;
  wire rst;
  wire [1:0] write_address;
  wire [31:0] write_data;
  reg [3:0] write_enable = 4'h0;
  assign \$3  = \o$24  ? \port$956$0  : input_data;
  assign \$4  = \o$24  ? \port$957$0  : input_data;
  assign \$5  = \o$24  ? \port$958$0  : input_data;
  always @(posedge clk)
    write_enable <= \$6 ;
  always @(posedge clk)
    data_0_0 <= \$2 ;
  always @(posedge clk)
    data_0_1 <= \$3 ;
  always @(posedge clk)
    data_0_2 <= \$4 ;
  always @(posedge clk)
    data_0_3 <= \$5 ;
  assign address_0 = row_valid ? row_address : input_address;
  assign \$1  = row_enable | input_enable;
  assign \$2  = \o$24  ? \port$955$0  : input_data;
  \hdlgen_tiny.engine.activations.address_0$28  \address_0$28  (
    .clk(clk),
    .copies(write_address),
    .i(address_0),
    .rst(rst)
  );
  \hdlgen_tiny.engine.activations.fanout  fanout (
    .clk(clk),
    .copies(\o$24 ),
    .i(i),
    .rst(rst)
  );
  \hdlgen_tiny.engine.activations.split_0_0  split_0_0 (
    .clk(clk),
    .\port$763$0 (data_0_0),
    .\port$764$0 (data_0_1),
    .\port$765$0 (data_0_2),
    .\port$766$0 (data_0_3),
    .read_address(read_address),
    .read_data(read_data),
    .write_address(write_address),
    .write_enable(write_enable)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$3 ) begin end
    \$6  = \$1 ;
    if (rst) begin
      \$6  = 4'h0;
    end
  end
  assign row_next = i;
  assign \i$6  = address_0;
  assign enable_0 = write_enable;
  assign o = write_address;
  assign write_data = { data_0_3, data_0_2, data_0_1, data_0_0 };
  assign \read_address$17  = read_address;
  assign \read_data$19  = read_data;
  assign row_data = { \port$958$0 , \port$957$0 , \port$956$0 , \port$955$0  };
endmodule

module \hdlgen_tiny.engine.activations.address_0$28 (rst, i, copies, clk);
  input clk;
  wire clk;
  output [1:0] copies;
  reg [1:0] copies = 2'h0;
  input [1:0] i;
  wire [1:0] i;
  (* init = 2'h0 *)
  wire [1:0] o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.activations.fanout (rst, i, copies, clk);
  input clk;
  wire clk;
  output copies;
  reg copies = 1'h0;
  input i;
  wire i;
  (* init = 1'h0 *)
  wire o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.activations.split_0_0 (read_data, write_enable, \port$763$0 , \port$764$0 , \port$765$0 , \port$766$0 , write_address, read_address, clk);
  input clk;
  wire clk;
  input [7:0] \port$763$0 ;
  wire [7:0] \port$763$0 ;
  input [7:0] \port$764$0 ;
  wire [7:0] \port$764$0 ;
  input [7:0] \port$765$0 ;
  wire [7:0] \port$765$0 ;
  input [7:0] \port$766$0 ;
  wire [7:0] \port$766$0 ;
  input [1:0] read_address;
  wire [1:0] read_address;
  output [31:0] read_data;
  wire [31:0] read_data;
  input [1:0] write_address;
  wire [1:0] write_address;
  wire [31:0] write_data;
  input [3:0] write_enable;
  wire [3:0] write_enable;
  hdlgen_tiny_activations part (
    .clk(clk),
    .read_address(read_address),
    .read_data(read_data),
    .write_address(write_address),
    .write_data({ \port$766$0 , \port$765$0 , \port$764$0 , \port$763$0  }),
    .write_enable(write_enable)
  );
  assign write_data = { \port$766$0 , \port$765$0 , \port$764$0 , \port$763$0  };
endmodule

module \hdlgen_tiny.engine.drain (rst, \port$366$0 , \port$367$0 , \port$368$0 , \port$369$0 , row_soon, row_next, i, \port$669$0 , parity, partial_result, partial_value, partial_position, partial_row, \end , end_job, gathered_0, gathered_1, gathered_2, gathered_3, done
, done_parity, row_address, row_valid, row_enable, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$4 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$4  = 0;
  reg \$1 ;
  reg \$10 ;
  wire \$11 ;
  wire \$12 ;
  wire \$13 ;
  wire \$14 ;
  reg \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  wire \$19 ;
  wire [1:0] \$2 ;
  wire \$20 ;
  wire \$21 ;
  wire [2:0] \$22 ;
  reg [2:0] \$23 ;
  wire [3:0] \$24 ;
  wire \$25 ;
  wire \$26 ;
  wire \$27 ;
  wire \$28 ;
  wire \$29 ;
  wire \$3 ;
  wire \$30 ;
  wire \$31 ;
  reg [1:0] \$32 ;
  wire [2:0] \$33 ;
  wire [2:0] \$34 ;
  wire [2:0] \$35 ;
  wire [2:0] \$36 ;
  wire [1:0] \$37 ;
  wire [2:0] \$38 ;
  wire \$39 ;
  wire \$4 ;
  wire \$40 ;
  wire \$41 ;
  wire \$42 ;
  reg \$43 ;
  reg [1:0] \$44 ;
  reg \$45 ;
  reg \$46 ;
  reg \$47 ;
  reg \$48 ;
  reg \$49 ;
  wire [2:0] \$5 ;
  reg \$50 ;
  reg \$51 ;
  reg \$52 ;
  reg \$53 ;
  reg [1:0] \$54 ;
  reg \$55 ;
  reg \$56 ;
  reg \$57 ;
  reg \$58 ;
  reg \$59 ;
  wire [17:0] \$6 ;
  reg \$60 ;
  reg \$61 ;
  reg [2:0] \$62 ;
  reg [1:0] \$63 ;
  reg [1:0] \$64 ;
  reg [2:0] \$65 ;
  reg [1:0] \$66 ;
  reg [2:0] \$67 ;
  reg [1:0] \$68 ;
  reg [2:0] \$69 ;
  wire [17:0] \$7 ;
  reg [1:0] \$70 ;
  reg [2:0] \$71 ;
  reg [1:0] \$72 ;
  reg \$73 ;
  reg [3:0] \$74 ;
  wire [17:0] \$8 ;
  wire [17:0] \$9 ;
  reg active_0 = 1'h0;
  reg [1:0] address = 2'h0;
  reg at_end_0 = 1'h0;
  wire [9:0] bias;
  (* init = 2'h0 *)
  wire [1:0] bias_address_0;
  wire carry;
  reg carry_0 = 1'h0;
  input clk;
  wire clk;
  wire [9:0] data;
  output done;
  reg done = 1'h0;
  reg done_0 = 1'h0;
  (* init = 1'h0 *)
  wire done_1;
  output done_parity;
  reg done_parity = 1'h0;
  reg done_parity_0 = 1'h0;
  (* init = 1'h0 *)
  wire done_parity_1;
  wire enable;
  output \end ;
  reg \end  = 1'h0;
  output end_job;
  reg end_job = 1'h0;
  wire \final ;
  reg final_0 = 1'h0;
  wire flush;
  (* init = 1'h0 *)
  wire flush_0;
  wire flush_next;
  reg fresh_0 = 1'h1;
  output [7:0] gathered_0;
  reg [7:0] gathered_0 = 8'h00;
  output [7:0] gathered_1;
  reg [7:0] gathered_1 = 8'h00;
  output [7:0] gathered_2;
  reg [7:0] gathered_2 = 8'h00;
  output [7:0] gathered_3;
  reg [7:0] gathered_3 = 8'h00;
  reg [17:0] held_0 = 18'h00000;
  reg [17:0] held_1 = 18'h00000;
  reg [17:0] held_2 = 18'h00000;
  reg [17:0] held_3 = 18'h00000;
  input i;
  wire i;
  reg [17:0] \i$20  = 18'h00000;
  reg job = 1'h0;
  wire \job$51 ;
  reg job_0 = 1'h0;
  reg job_late_0_0 = 1'h0;
  (* init = 1'h0 *)
  wire job_late_0_1;
  wire load_0;
  wire merged_0;
  wire o;
  wire [7:0] \o$68 ;
  wire output_enable;
  wire own_row_0;
  input parity;
  wire parity;
  reg parity_0 = 1'h0;
  output [1:0] partial_position;
  reg [1:0] partial_position = 2'h0;
  (* init = 2'h0 *)
  wire [1:0] partial_position_0;
  output partial_result;
  reg partial_result = 1'h0;
  (* init = 1'h0 *)
  wire partial_result_0;
  output partial_row;
  reg partial_row = 1'h0;
  (* init = 1'h0 *)
  wire partial_row_0;
  output [17:0] partial_value;
  reg [17:0] partial_value = 18'h00000;
  (* init = 18'h00000 *)
  wire [17:0] partial_value_0;
  input [17:0] \port$366$0 ;
  wire [17:0] \port$366$0 ;
  input [17:0] \port$367$0 ;
  wire [17:0] \port$367$0 ;
  input [17:0] \port$368$0 ;
  wire [17:0] \port$368$0 ;
  input [17:0] \port$369$0 ;
  wire [17:0] \port$369$0 ;
  input [3:0] \port$669$0 ;
  wire [3:0] \port$669$0 ;
  reg [1:0] position_0 = 2'h0;
  wire [-1:0] row;
  wire [-1:0] row_0;
  reg [2:0] \row_0$71  = 3'h0;
  reg [2:0] row_1 = 3'h0;
  reg [2:0] row_2 = 3'h0;
  reg [2:0] row_3 = 3'h0;
  reg [2:0] row_4 = 3'h0;
  output [1:0] row_address;
  reg [1:0] row_address = 2'h0;
  (* init = 2'h0 *)
  wire [1:0] row_address_0;
  reg [1:0] row_base_0 = 2'h0;
  wire [31:0] row_data;
  output [3:0] row_enable;
  reg [3:0] row_enable = 4'h0;
  output row_next;
  wire row_next;
  reg [1:0] row_place_0 = 2'h0;
  reg [1:0] row_place_1 = 2'h0;
  reg [1:0] row_place_2 = 2'h0;
  reg [1:0] row_place_3 = 2'h0;
  reg [1:0] row_place_4 = 2'h0;
  output row_soon;
  wire row_soon;
  output row_valid;
  reg row_valid = 1'h0;
  input rst;
  wire rst;
  wire [-1:0] shift;
  wire [71:0] sums;
  reg [17:0] value_late_0_0 = 18'h00000;
  (* init = 18'h00000 *)
  wire [17:0] value_late_0_1;
  reg written_0 = 1'h0;
  assign \$24  = \$23  + 1'h0;
  assign \$25  = at_end_0 & final_0;
  assign \$27  = ~ \$26 ;
  assign \$28  = \$25  & \$27 ;
  assign \$30  = ~ \$29 ;
  assign \$31  = at_end_0 & \$30 ;
  assign \$33  = row_place_0 + row_base_0;
  assign \$34  = row_place_1 + 1'h0;
  assign \$35  = row_place_2 + 1'h0;
  assign \$36  = row_place_3 + 1'h0;
  assign \$38  = \$37  + 1'h0;
  assign \$39  = row_4[0] & row_4[1];
  assign \$40  = row_4[0] & row_4[1];
  assign \$41  = row_4[0] & row_4[1];
  assign \$42  = row_4[0] & row_4[1];
  always @(posedge clk)
    at_end_0 <= \$43 ;
  always @(posedge clk)
    position_0 <= \$44 ;
  always @(posedge clk)
    active_0 <= \$45 ;
  always @(posedge clk)
    written_0 <= \$46 ;
  always @(posedge clk)
    carry_0 <= \$47 ;
  always @(posedge clk)
    job_0 <= \$48 ;
  always @(posedge clk)
    final_0 <= \$49 ;
  always @(posedge clk)
    parity_0 <= \$50 ;
  always @(posedge clk)
    held_0 <= \$6 ;
  always @(posedge clk)
    held_1 <= \$7 ;
  always @(posedge clk)
    held_2 <= \$8 ;
  always @(posedge clk)
    held_3 <= \$9 ;
  always @(posedge clk)
    partial_result <= \$51 ;
  always @(posedge clk)
    partial_value <= held_0;
  always @(posedge clk)
    partial_position <= position_0;
  always @(posedge clk)
    partial_row <= \$2 [0];
  always @(posedge clk)
    \end  <= \$52 ;
  always @(posedge clk)
    end_job <= \$53 ;
  always @(posedge clk)
    address <= \$54 ;
  always @(posedge clk)
    fresh_0 <= \$55 ;
  always @(posedge clk)
    job_late_0_0 <= \$56 ;
  always @(posedge clk)
    value_late_0_0 <= held_0;
  always @(posedge clk)
    job <= \$57 ;
  always @(posedge clk)
    \i$20  <= value_late_0_0;
  always @(posedge clk)
    gathered_0 <= gathered_1;
  always @(posedge clk)
    gathered_1 <= gathered_2;
  always @(posedge clk)
    gathered_2 <= gathered_3;
  always @(posedge clk)
    gathered_3 <= \o$68 ;
  always @(posedge clk)
    done_0 <= \$58 ;
  always @(posedge clk)
    done_parity_0 <= \$59 ;
  always @(posedge clk)
    done <= \$60 ;
  always @(posedge clk)
    done_parity <= \$61 ;
  always @(posedge clk)
    \row_0$71  <= \$62 ;
  always @(posedge clk)
    row_place_0 <= \$63 ;
  always @(posedge clk)
    row_base_0 <= \$64 ;
  always @(posedge clk)
    row_1 <= \$65 ;
  always @(posedge clk)
    row_place_1 <= \$66 ;
  always @(posedge clk)
    row_2 <= \$67 ;
  always @(posedge clk)
    row_place_2 <= \$68 ;
  always @(posedge clk)
    row_3 <= \$69 ;
  always @(posedge clk)
    row_place_3 <= \$70 ;
  always @(posedge clk)
    row_4 <= \$71 ;
  always @(posedge clk)
    row_place_4 <= \$72 ;
  always @(posedge clk)
    row_address <= \$38 [1:0];
  always @(posedge clk)
    row_valid <= \$73 ;
  always @(posedge clk)
    row_enable <= \$74 ;
  assign \$2  = 1'h0 + \$1 ;
  assign \$3  = position_0 == 2'h2;
  assign \$4  = active_0 & \$3 ;
  assign \$5  = position_0 + 1'h1;
  assign \$6  = o ? \port$366$0  : held_1;
  assign \$7  = o ? \port$367$0  : held_2;
  assign \$8  = o ? \port$368$0  : held_3;
  assign \$9  = o ? \port$369$0  : held_3;
  assign \$11  = active_0 & \$10 ;
  assign \$13  = \$11  & \$12 ;
  assign \$14  = at_end_0 & final_0;
  assign \$16  = active_0 & \$15 ;
  assign \$20  = ~ \$19 ;
  assign \$21  = \$18  & \$20 ;
  assign \$22  = address + 1'h1;
  \hdlgen_tiny.engine.drain.bias_0  bias_0 (
    .address(address),
    .clk(clk),
    .data(bias)
  );
  \hdlgen_tiny.engine.drain.fanout  fanout (
    .clk(clk),
    .copies(o),
    .i(i),
    .rst(rst)
  );
  \hdlgen_tiny.engine.drain.requantiser_0  requantiser_0 (
    .bias(bias),
    .clk(clk),
    .i(\i$20 ),
    .job(job),
    .o(\o$68 ),
    .rst(rst)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    (* full_case = 32'd1 *)
    casez (\port$669$0 [3])
      1'h0:
          \$23  = 3'h0;
      1'h1:
          \$23  = 3'h4;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$32  = 2'h0;
    casez (job_0)
      1'h0:
          \$32  = 2'h2;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$43  = \$4 ;
    if (rst) begin
      \$43  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$44  = \$5 [1:0];
    if (load_0) begin
      \$44  = 2'h0;
    end
    if (rst) begin
      \$44  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$45  = active_0;
    if (at_end_0) begin
      \$45  = 1'h0;
    end
    if (load_0) begin
      \$45  = 1'h1;
    end
    if (rst) begin
      \$45  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$46  = written_0;
    if (load_0) begin
      \$46  = \port$669$0 [1];
    end
    if (rst) begin
      \$46  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$47  = carry_0;
    if (load_0) begin
      \$47  = \port$669$0 [2];
    end
    if (rst) begin
      \$47  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$48  = job_0;
    if (load_0) begin
      \$48  = \port$669$0 [3];
    end
    if (rst) begin
      \$48  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$49  = final_0;
    if (load_0) begin
      \$49  = \port$669$0 [0];
    end
    if (rst) begin
      \$49  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$50  = parity_0;
    if (load_0) begin
      \$50  = parity;
    end
    if (rst) begin
      \$50  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$51  = \$13 ;
    if (rst) begin
      \$51  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$52  = \$14 ;
    if (rst) begin
      \$52  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$53  = job_0;
    if (rst) begin
      \$53  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$54  = address;
    if (\$21 ) begin
      \$54  = \$22 [1:0];
    end
    if (load_0) begin
      if (fresh_0) begin
        \$54  = \$24 [1:0];
      end
    end
    if (rst) begin
      \$54  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$55  = fresh_0;
    if (load_0) begin
      \$55  = \port$669$0 [0];
    end
    if (rst) begin
      \$55  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$56  = job_0;
    if (rst) begin
      \$56  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$57  = job_late_0_0;
    if (rst) begin
      \$57  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$58  = \$28 ;
    if (rst) begin
      \$58  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$59  = parity_0;
    if (rst) begin
      \$59  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$60  = done_0;
    if (rst) begin
      \$60  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$61  = done_parity_0;
    if (rst) begin
      \$61  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$62  = { carry_0, written_0, \$31  };
    if (rst) begin
      \$62  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$63  = 2'h0;
    if (rst) begin
      \$63  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$64  = \$32 ;
    if (rst) begin
      \$64  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$65  = \row_0$71 ;
    if (rst) begin
      \$65  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$66  = \$33 [1:0];
    if (rst) begin
      \$66  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$67  = row_1;
    if (rst) begin
      \$67  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$68  = \$34 [1:0];
    if (rst) begin
      \$68  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$69  = row_2;
    if (rst) begin
      \$69  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$70  = \$35 [1:0];
    if (rst) begin
      \$70  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$71  = row_3;
    if (rst) begin
      \$71  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$72  = \$36 [1:0];
    if (rst) begin
      \$72  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$73  = row_next;
    if (rst) begin
      \$73  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    \$74  = { \$42 , \$41 , \$40 , \$39  };
    if (rst) begin
      \$74  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    (* full_case = 32'd1 *)
    casez (position_0)
      2'h0:
          \$1  = carry_0;
      2'h1:
          \$1  = carry_0;
      2'h2:
          \$1  = carry_0;
      2'h3:
          \$1  = carry_0;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    (* full_case = 32'd1 *)
    casez (position_0)
      2'h0:
          \$10  = written_0;
      2'h1:
          \$10  = written_0;
      2'h2:
          \$10  = written_0;
      2'h3:
          \$10  = written_0;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$4 ) begin end
    (* full_case = 32'd1 *)
    casez (position_0)
      2'h0:
          \$15  = written_0;
      2'h1:
          \$15  = written_0;
      2'h2:
          \$15  = written_0;
      2'h3:
          \$15  = written_0;
    endcase
  end
  assign flush_next = i;
  assign flush = \port$669$0 [1];
  assign own_row_0 = \$2 [0];
  assign partial_result_0 = partial_result;
  assign partial_value_0 = partial_value;
  assign partial_position_0 = partial_position;
  assign partial_row_0 = partial_row;
  assign enable = 1'h1;
  assign output_enable = 1'h1;
  assign bias_address_0 = address;
  assign value_late_0_1 = \i$20 ;
  assign data = bias;
  assign job_late_0_1 = job;
  assign flush_0 = written_0;
  assign done_1 = done;
  assign done_parity_1 = done_parity;
  assign row_address_0 = row_address;
  assign row_data = { gathered_3, gathered_2, gathered_1, gathered_0 };
  assign carry = \port$669$0 [2];
  assign \job$51  = \port$669$0 [3];
  assign \final  = \port$669$0 [0];
  assign sums = { \port$369$0 , \port$368$0 , \port$367$0 , \port$366$0  };
  assign merged_0 = 1'h0;
  assign load_0 = \port$669$0 [1];
  assign row_soon = row_2[0];
  assign row_next = row_4[0];
  assign \$12  = job_0;
  assign \$17  = 1'h1;
  assign \$18  = \$16 ;
  assign \$19  = job_0;
  assign \$26  = job_0;
  assign \$29  = job_0;
  assign \$37  = row_place_4;
endmodule

module \hdlgen_tiny.engine.drain.bias_0 (data, address, clk);
  input [1:0] address;
  wire [1:0] address;
  input clk;
  wire clk;
  output [9:0] data;
  wire [9:0] data;
  wire enable;
  wire output_enable;
  hdlgen_tiny_bias_0 part (
    .address(address),
    .clk(clk),
    .data(data),
    .enable(1'h1),
    .output_enable(1'h1)
  );
  assign enable = 1'h1;
  assign output_enable = 1'h1;
endmodule

module \hdlgen_tiny.engine.drain.fanout (rst, i, copies, clk);
  input clk;
  wire clk;
  output copies;
  reg copies = 1'h0;
  input i;
  wire i;
  (* init = 1'h0 *)
  wire o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.drain.requantiser_0 (rst, bias, job, i, o, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$5 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$5  = 0;
  wire [18:0] \$1 ;
  wire [7:0] \$10 ;
  wire [7:0] \$11 ;
  reg \$12 ;
  reg \$13 ;
  reg \$14 ;
  reg \$15 ;
  reg [7:0] \$16 ;
  wire [18:0] \$2 ;
  wire [18:0] \$3 ;
  reg [7:0] \$4 ;
  wire [18:0] \$5 ;
  wire [18:0] \$6 ;
  wire \$7 ;
  reg \$8 ;
  reg [7:0] \$9 ;
  reg \$signal  = 1'h0;
  reg \$signal$11  = 1'h0;
  input [9:0] bias;
  wire [9:0] bias;
  input clk;
  wire clk;
  input [17:0] i;
  wire [17:0] i;
  input job;
  wire job;
  reg job2 = 1'h0;
  output [7:0] o;
  reg [7:0] o = 8'h00;
  input rst;
  wire rst;
  wire [-1:0] shift;
  wire [-1:0] shift1;
  reg [18:0] total = 19'h00000;
  reg under = 1'h0;
  reg [7:0] window = 8'h00;
  assign \$1  = $signed(i) + $signed(bias);
  assign \$7  = | \$6 [17:8];
  assign \$10  = \$signal$11  ? \$9  : window;
  assign \$11  = under ? 8'h00 : \$10 ;
  always @(posedge clk)
    total <= \$1 ;
  always @(posedge clk)
    \$signal  <= \$12 ;
  always @(posedge clk)
    job2 <= \$13 ;
  always @(posedge clk)
    window <= \$4 ;
  always @(posedge clk)
    \$signal$11  <= \$14 ;
  always @(posedge clk)
    under <= \$15 ;
  always @(posedge clk)
    o <= \$16 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$4  = 8'h00;
    casez (\$signal )
      1'h0:
          \$4  = \$3 [7:0];
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$8  = 1'h0;
    casez (\$signal )
      1'h0:
          \$8  = \$7 ;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$9  = 8'h00;
    casez (job2)
      1'h0:
          \$9  = 8'hff;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$12  = job;
    if (rst) begin
      \$12  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$13  = \$signal ;
    if (rst) begin
      \$13  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$14  = \$8 ;
    if (rst) begin
      \$14  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$15  = total[18];
    if (rst) begin
      \$15  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$5 ) begin end
    \$16  = \$11 ;
    if (rst) begin
      \$16  = 8'h00;
    end
  end
  assign \$2  = { total[18], total[18], total[18], total[18], total[18], total[18], total[18:6] };
  assign \$3  = \$2 ;
  assign \$5  = { total[18], total[18], total[18], total[18], total[18], total[18], total[18:6] };
  assign \$6  = \$5 ;
endmodule

module \hdlgen_tiny.engine.exchange$170 (rst, \i$13 , select, lane_1_0, lane_1_1, lane_1_2, lane_1_3, clk);
  wire [7:0] \$1 ;
  wire [7:0] \$2 ;
  wire [7:0] \$3 ;
  wire [7:0] \$4 ;
  wire [7:0] \$5 ;
  wire [7:0] \$6 ;
  wire [7:0] \$7 ;
  wire [7:0] \$8 ;
  input clk;
  wire clk;
  wire i;
  input [31:0] \i$13 ;
  wire [31:0] \i$13 ;
  wire \i$2 ;
  reg [7:0] lane_0_0 = 8'h00;
  reg [7:0] lane_0_1 = 8'h00;
  reg [7:0] lane_0_2 = 8'h00;
  reg [7:0] lane_0_3 = 8'h00;
  output [7:0] lane_1_0;
  reg [7:0] lane_1_0 = 8'h00;
  output [7:0] lane_1_1;
  reg [7:0] lane_1_1 = 8'h00;
  output [7:0] lane_1_2;
  reg [7:0] lane_1_2 = 8'h00;
  output [7:0] lane_1_3;
  reg [7:0] lane_1_3 = 8'h00;
  wire [31:0] o;
  wire \o$12 ;
  wire \o$17 ;
  input rst;
  wire rst;
  input [1:0] select;
  wire [1:0] select;
  reg [1:0] select_0 = 2'h0;
  reg [1:0] select_1 = 2'h0;
  assign \$2  = \o$12  ? \i$13 [7:0] : \i$13 [15:8];
  assign \$3  = \o$12  ? \i$13 [31:24] : \i$13 [23:16];
  assign \$4  = \o$12  ? \i$13 [23:16] : \i$13 [31:24];
  assign \$5  = \o$17  ? lane_0_2 : lane_0_0;
  assign \$6  = \o$17  ? lane_0_3 : lane_0_1;
  assign \$7  = \o$17  ? lane_0_0 : lane_0_2;
  assign \$8  = \o$17  ? lane_0_1 : lane_0_3;
  always @(posedge clk)
    lane_0_0 <= \$1 ;
  always @(posedge clk)
    lane_0_1 <= \$2 ;
  always @(posedge clk)
    lane_0_2 <= \$3 ;
  always @(posedge clk)
    lane_0_3 <= \$4 ;
  always @(posedge clk)
    select_0 <= select;
  always @(posedge clk)
    lane_1_0 <= \$5 ;
  always @(posedge clk)
    lane_1_1 <= \$6 ;
  always @(posedge clk)
    lane_1_2 <= \$7 ;
  always @(posedge clk)
    lane_1_3 <= \$8 ;
  always @(posedge clk)
    select_1 <= select_0;
  assign \$1  = \o$12  ? \i$13 [15:8] : \i$13 [7:0];
  \hdlgen_tiny.engine.exchange$170.fanout_0  fanout_0 (
    .clk(clk),
    .copies(\o$12 ),
    .i(select[0]),
    .rst(rst)
  );
  \hdlgen_tiny.engine.exchange$170.fanout_1  fanout_1 (
    .clk(clk),
    .copies(\o$17 ),
    .i(select_0[1]),
    .rst(rst)
  );
  assign i = select[0];
  assign \i$2  = select_0[1];
  assign o = { lane_1_3, lane_1_2, lane_1_1, lane_1_0 };
endmodule

module \hdlgen_tiny.engine.exchange$170.fanout_0 (rst, i, copies, clk);
  input clk;
  wire clk;
  output copies;
  reg copies = 1'h0;
  input i;
  wire i;
  (* init = 1'h0 *)
  wire o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.exchange$170.fanout_1 (rst, i, copies, clk);
  input clk;
  wire clk;
  output copies;
  reg copies = 1'h0;
  input i;
  wire i;
  (* init = 1'h0 *)
  wire o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.framer (rst, valid, counter, first, last, job, o_valid, o_final, o_job, flush, carry, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$6 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$6  = 0;
  wire \$1 ;
  wire \$10 ;
  wire \$11 ;
  wire \$12 ;
  reg \$13 ;
  reg \$14 ;
  wire [1:0] \$15 ;
  wire \$16 ;
  wire [1:0] \$17 ;
  wire [1:0] \$18 ;
  wire \$19 ;
  wire \$2 ;
  wire \$20 ;
  wire [1:0] \$21 ;
  wire [1:0] \$22 ;
  wire \$23 ;
  reg \$24 ;
  reg \$25 ;
  reg \$26 ;
  reg \$27 ;
  reg \$28 ;
  reg \$29 ;
  reg \$3 ;
  reg \$30 ;
  reg \$31 ;
  reg \$32 ;
  reg \$33 ;
  reg \$34 ;
  reg \$35 ;
  reg \$36 ;
  reg \$37 ;
  reg \$38 ;
  wire \$4 ;
  wire [1:0] \$5 ;
  wire \$6 ;
  wire \$7 ;
  wire \$8 ;
  wire \$9 ;
  reg \$signal  = 1'h0;
  wire [-1:0] \$signal$18 ;
  output carry;
  reg carry = 1'h0;
  input clk;
  wire clk;
  reg complete_0;
  input [1:0] counter;
  wire [1:0] counter;
  reg end1 = 1'h0;
  reg end2 = 1'h0;
  input first;
  wire first;
  reg first1 = 1'h0;
  output flush;
  reg flush = 1'h0;
  wire inc;
  input job;
  wire job;
  reg job1 = 1'h0;
  reg job2 = 1'h0;
  input last;
  wire last;
  reg last1 = 1'h0;
  reg last2 = 1'h0;
  reg now_0_0;
  reg now_0_1;
  output o_final;
  reg o_final = 1'h0;
  output o_job;
  reg o_job = 1'h0;
  output o_valid;
  reg o_valid = 1'h0;
  reg over_0;
  wire [-1:0] row;
  input rst;
  wire rst;
  wire [1:0] total;
  input valid;
  wire valid;
  reg valid1 = 1'h0;
  reg valid2 = 1'h0;
  assign \$1  = & counter;
  assign \$2  = & counter;
  assign \$4  = valid2 & end2;
  assign \$5  = \$signal  + \$15 [0];
  assign \$6  = valid1 & first1;
  assign \$7  = valid2 & last2;
  assign \$8  = valid2 & end2;
  assign \$9  = complete_0 | last2;
  assign \$10  = \$8  & \$9 ;
  assign total = 1'h0 + \$14 ;
  assign \$16  = ! job2;
  assign \$18  = 1'h0 + \$15 [0];
  assign \$19  = \$18  >= 1'h1;
  assign \$22  = 1'h0 + \$15 [0];
  assign \$23  = \$22  >= 1'h1;
  always @(posedge clk)
    valid1 <= \$24 ;
  always @(posedge clk)
    first1 <= \$25 ;
  always @(posedge clk)
    last1 <= \$26 ;
  always @(posedge clk)
    end1 <= \$27 ;
  always @(posedge clk)
    job1 <= \$28 ;
  always @(posedge clk)
    valid2 <= \$29 ;
  always @(posedge clk)
    last2 <= \$30 ;
  always @(posedge clk)
    end2 <= \$31 ;
  always @(posedge clk)
    job2 <= \$32 ;
  always @(posedge clk)
    \$signal  <= \$33 ;
  always @(posedge clk)
    o_valid <= \$34 ;
  always @(posedge clk)
    o_final <= \$35 ;
  always @(posedge clk)
    o_job <= \$36 ;
  always @(posedge clk)
    flush <= \$37 ;
  always @(posedge clk)
    carry <= \$38 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    (* full_case = 32'd1 *)
    casez (job)
      1'h0:
          \$3  = \$1 ;
      1'h1:
          \$3  = \$2 ;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    (* full_case = 32'd1 *)
    casez (job2)
      1'h0:
          \$13  = \$11 ;
      1'h1:
          \$13  = \$12 ;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    (* full_case = 32'd1 *)
    casez (job2)
      1'h0:
          \$14  = 1'h1;
      1'h1:
          \$14  = 1'h1;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$24  = valid;
    if (rst) begin
      \$24  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$25  = first;
    if (rst) begin
      \$25  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$26  = last;
    if (rst) begin
      \$26  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$27  = \$3 ;
    if (rst) begin
      \$27  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$28  = job;
    if (rst) begin
      \$28  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$29  = valid1;
    if (rst) begin
      \$29  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$30  = last1;
    if (rst) begin
      \$30  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$31  = end1;
    if (rst) begin
      \$31  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$32  = job1;
    if (rst) begin
      \$32  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$33  = \$signal ;
    if (\$4 ) begin
      \$33  = \$5 [0];
    end
    if (\$6 ) begin
      \$33  = 1'h0;
    end
    if (rst) begin
      \$33  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$34  = valid2;
    if (rst) begin
      \$34  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$35  = \$7 ;
    if (rst) begin
      \$35  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$36  = job2;
    if (rst) begin
      \$36  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$37  = \$10 ;
    if (rst) begin
      \$37  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    \$38  = over_0;
    if (rst) begin
      \$38  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    now_0_0 = 1'h0;
    if (\$16 ) begin
      now_0_0 = \$17 [0];
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    over_0 = 1'h0;
    if (\$16 ) begin
      over_0 = now_0_0;
    end
    if (\$20 ) begin
      over_0 = now_0_1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    complete_0 = 1'h0;
    if (\$16 ) begin
      complete_0 = \$19 ;
    end
    if (\$20 ) begin
      complete_0 = \$23 ;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$6 ) begin end
    now_0_1 = 1'h0;
    if (\$20 ) begin
      now_0_1 = \$21 [0];
    end
  end
  assign inc = \$15 [0];
  assign \$15  = total;
  assign \$11  = \$signal ;
  assign \$12  = \$signal ;
  assign \$17  = 2'h0;
  assign \$20  = job2;
  assign \$21  = 2'h0;
endmodule

module \hdlgen_tiny.engine.loader (valid, last, clk, rst, ready, loaded, write_enable, take, row_soon, \release , frame_error, write_data, write_address, data);
  reg \$auto$verilog_backend.cc:2355:dump_module$7 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$7  = 0;
  wire [2:0] \$1 ;
  wire [2:0] \$10 ;
  reg \$100 ;
  reg \$101 ;
  reg \$102 ;
  reg [3:0] \$103 ;
  reg [1:0] \$104 ;
  reg [3:0] \$105 ;
  reg \$106 ;
  reg [1:0] \$107 ;
  wire [1:0] \$11 ;
  wire \$12 ;
  wire \$13 ;
  wire \$14 ;
  wire \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  wire \$19 ;
  wire [3:0] \$2 ;
  wire \$20 ;
  wire \$21 ;
  wire [7:0] \$22 ;
  wire \$23 ;
  wire \$24 ;
  wire \$25 ;
  wire \$26 ;
  wire [3:0] \$27 ;
  wire \$28 ;
  wire \$29 ;
  wire \$3 ;
  wire \$30 ;
  wire \$31 ;
  wire \$32 ;
  wire \$33 ;
  wire \$34 ;
  wire \$35 ;
  wire \$36 ;
  wire \$37 ;
  wire \$38 ;
  wire \$39 ;
  wire \$4 ;
  wire \$40 ;
  wire [2:0] \$41 ;
  wire [3:0] \$42 ;
  wire \$43 ;
  wire \$44 ;
  wire \$45 ;
  wire \$46 ;
  wire \$47 ;
  wire \$48 ;
  wire [2:0] \$49 ;
  wire \$5 ;
  wire \$50 ;
  wire \$51 ;
  wire \$52 ;
  wire \$53 ;
  wire \$54 ;
  wire \$55 ;
  wire \$56 ;
  reg [5:0] \$57 ;
  wire \$58 ;
  wire \$59 ;
  wire \$6 ;
  wire \$60 ;
  wire \$61 ;
  wire \$62 ;
  wire \$63 ;
  wire \$64 ;
  wire \$65 ;
  wire \$66 ;
  wire \$67 ;
  wire [1:0] \$68 ;
  wire [1:0] \$69 ;
  wire \$7 ;
  wire \$70 ;
  wire \$71 ;
  wire \$72 ;
  wire \$73 ;
  wire \$74 ;
  wire \$75 ;
  wire [2:0] \$76 ;
  wire [1:0] \$77 ;
  reg \$78 ;
  reg \$79 ;
  wire \$8 ;
  reg [7:0] \$80 ;
  reg \$81 ;
  reg [7:0] \$82 ;
  reg \$83 ;
  reg [2:0] \$84 ;
  reg \$85 ;
  reg \$86 ;
  reg \$87 ;
  reg \$88 ;
  reg \$89 ;
  wire \$9 ;
  reg \$90 ;
  reg [1:0] \$91 ;
  reg [1:0] \$92 ;
  reg \$93 ;
  reg \$94 ;
  reg [1:0] \$95 ;
  reg \$96 ;
  reg \$97 ;
  reg \$98 ;
  reg [5:0] \$99 ;
  reg [7:0] \$like  = 8'h00;
  reg \$signal  = 1'h0;
  reg \$signal$11  = 1'h0;
  reg [3:0] \$signal$23  = 4'h0;
  reg \$signal$38  = 1'h0;
  reg [1:0] \$signal$7  = 2'h0;
  reg \$signal$9  = 1'h0;
  (* init = 2'h0 *)
  wire [1:0] address_0;
  wire bank_end;
  reg bank_full = 1'h0;
  reg beat_full = 1'h1;
  reg [2:0] beats_left = 3'h7;
  reg buffer = 1'h0;
  wire carried;
  reg [7:0] chosen_0 = 8'h00;
  input clk;
  wire clk;
  input [7:0] data;
  wire [7:0] data;
  reg dropping = 1'h0;
  reg ending_late = 1'h0;
  reg final_beat = 1'h0;
  wire finished;
  reg [1:0] flags_2 = 2'h0;
  reg [5:0] following = 6'h22;
  wire \following.last ;
  wire [1:0] \following.next ;
  wire [1:0] \following.rows ;
  wire \following.shared ;
  output frame_error;
  reg frame_error = 1'h0;
  wire [2:0] i;
  wire [-1:0] index_0;
  input last;
  wire last;
  reg last_bank = 1'h0;
  reg [3:0] late_lane = 4'h1;
  output loaded;
  wire loaded;
  reg marked = 1'h0;
  wire [2:0] o;
  reg [1:0] occupied = 2'h0;
  wire [1:0] occupied_next;
  wire [-1:0] origin;
  reg [1:0] reach = 2'h2;
  wire [1:0] reach_next;
  output ready;
  wire ready;
  input \release ;
  wire \release ;
  input row_soon;
  wire row_soon;
  input rst;
  wire rst;
  reg shared = 1'h0;
  reg [7:0] spare = 8'h00;
  reg spare_held = 1'h0;
  reg spare_last = 1'h0;
  wire step;
  reg stop = 1'h0;
  input take;
  wire take;
  reg taken = 1'h1;
  reg used = 1'h0;
  input valid;
  wire valid;
  (* init = 8'h00 *)
  wire [7:0] value_0;
  output [1:0] write_address;
  reg [1:0] write_address = 2'h0;
  output [7:0] write_data;
  reg [7:0] write_data = 8'h00;
  output [3:0] write_enable;
  wire [3:0] write_enable;
  assign ready = ~ spare_held;
  assign \$1  = occupied + \$signal ;
  assign \$2  = \$1  - \release ;
  assign loaded = | \$signal$7 ;
  assign \$3  = ~ stop;
  assign \$4  = \$signal$9  & \$3 ;
  assign \$5  = ~ \$signal$11 ;
  assign step = \$4  & \$5 ;
  assign \$6  = step & beat_full;
  assign \$7  = \$signal$9  & dropping;
  assign \$8  = ~ \$signal$11 ;
  assign \$9  = \$7  & \$8 ;
  assign finished = \$6  | \$9 ;
  assign bank_end = step & bank_full;
  assign \$10  = following[1:0] + 1'h0;
  assign i = rst ? 3'h0 : { \$signal$23 [3], \$signal$23 [1], marked };
  assign write_enable = late_lane & { o[0], o[0], o[0], o[0] };
  assign \$12  = ~ finished;
  assign \$13  = \$signal$9  & \$12 ;
  assign \$14  = \$13  | spare_held;
  assign \$15  = \$14  | valid;
  assign \$16  = spare_held | valid;
  assign \$17  = \$16  & \$signal$9 ;
  assign \$18  = ~ finished;
  assign \$19  = \$17  & \$18 ;
  assign \$20  = ~ \$signal$9 ;
  assign \$21  = finished | \$20 ;
  assign \$22  = spare_held ? spare : data;
  assign \$23  = spare_held ? spare_last : last;
  assign \$24  = ~ spare_held;
  assign \$25  = ~ dropping;
  assign \$26  = finished & \$25 ;
  assign \$27  = beats_left - 1'h1;
  assign \$28  = beats_left == 1'h1;
  assign \$29  = finished & dropping;
  assign \$30  = \$29  & \$signal$38 ;
  assign \$31  = ~ dropping;
  assign \$32  = finished & \$31 ;
  assign \$33  = \$signal$38  | final_beat;
  assign \$34  = \$32  & \$33 ;
  assign \$35  = ~ dropping;
  assign \$36  = finished & \$35 ;
  assign \$37  = \$36  & \$signal$38 ;
  assign \$38  = \$37  & final_beat;
  assign \$39  = ~ \$signal$38 ;
  assign \$40  = ~ \$signal ;
  assign \$41  = \$signal$7  + \$signal ;
  assign \$42  = \$41  - take;
  assign \$43  = \$2 [1:0] == 1'h1;
  assign \$44  = \$43  | dropping;
  assign \$45  = \$signal$11  & ending_late;
  assign \$46  = \$44  | \$45 ;
  assign \$47  = \$46  | row_soon;
  assign \$48  = reach > 1'h1;
  assign \$49  = reach - 1'h1;
  assign \$50  = reach <= 2'h2;
  assign \$51  = reach > 2'h2;
  assign \$52  = reach == 2'h2;
  assign \$53  = ! shared;
  assign \$54  = \$52  & \$53 ;
  assign \$55  = \$51  | \$54 ;
  assign \$56  = \$55  | last_bank;
  assign \$59  = \$10 [1:0] > 1'h0;
  assign \$61  = \$10 [1:0] <= 1'h1;
  assign \$62  = \$10 [1:0] > 1'h1;
  assign \$63  = \$10 [1:0] == 1'h1;
  assign \$64  = ! following[2];
  assign \$65  = \$63  & \$64 ;
  assign \$66  = \$62  | \$65 ;
  assign \$67  = \$66  | following[3];
  assign \$70  = bank_end | \$signal$11 ;
  assign \$71  = o[2] ? 1'h1 : late_lane[3];
  assign \$72  = o[2] ? 1'h0 : late_lane[0];
  assign \$73  = o[2] ? 1'h0 : late_lane[1];
  assign \$74  = o[2] ? 1'h0 : late_lane[2];
  assign \$75  = step & taken;
  assign \$76  = write_address + 1'h1;
  assign \$77  = flags_2[1] ? 2'h2 : 2'h0;
  always @(posedge clk)
    \$signal$9  <= \$78 ;
  always @(posedge clk)
    spare_held <= \$79 ;
  always @(posedge clk)
    \$like  <= \$80 ;
  always @(posedge clk)
    \$signal$38  <= \$81 ;
  always @(posedge clk)
    spare <= \$82 ;
  always @(posedge clk)
    spare_last <= \$83 ;
  always @(posedge clk)
    beats_left <= \$84 ;
  always @(posedge clk)
    final_beat <= \$85 ;
  always @(posedge clk)
    dropping <= \$86 ;
  always @(posedge clk)
    \$signal$11  <= \$87 ;
  always @(posedge clk)
    \$signal  <= \$88 ;
  always @(posedge clk)
    ending_late <= \$89 ;
  always @(posedge clk)
    frame_error <= \$90 ;
  always @(posedge clk)
    \$signal$7  <= \$91 ;
  always @(posedge clk)
    occupied <= \$92 ;
  always @(posedge clk)
    stop <= \$93 ;
  always @(posedge clk)
    taken <= \$94 ;
  always @(posedge clk)
    reach <= \$95 ;
  always @(posedge clk)
    bank_full <= \$96 ;
  always @(posedge clk)
    beat_full <= \$97 ;
  always @(posedge clk)
    used <= \$98 ;
  always @(posedge clk)
    following <= \$99 ;
  always @(posedge clk)
    last_bank <= \$100 ;
  always @(posedge clk)
    shared <= \$101 ;
  always @(posedge clk)
    buffer <= \$102 ;
  always @(posedge clk)
    \$signal$23  <= \$103 ;
  always @(posedge clk)
    flags_2 <= \$104 ;
  always @(posedge clk)
    late_lane <= \$105 ;
  always @(posedge clk)
    marked <= \$106 ;
  always @(posedge clk)
    chosen_0 <= \$like ;
  always @(posedge clk)
    write_data <= chosen_0;
  always @(posedge clk)
    write_address <= \$107 ;
  \hdlgen_tiny.engine.loader.here  here (
    .clk(clk),
    .copies(o),
    .i(i),
    .rst(rst)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    (* full_case = 32'd1 *)
    casez (following[5:4])
      2'h0:
          \$57  = 6'h12;
      2'h1:
          \$57  = 6'h22;
      2'h2:
          \$57  = 6'h32;
      2'h3:
          \$57  = 6'h0a;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$78  = \$15 ;
    if (rst) begin
      \$78  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$79  = \$19 ;
    if (rst) begin
      \$79  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$80  = \$like ;
    if (\$21 ) begin
      \$80  = \$22 ;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$81  = \$signal$38 ;
    if (\$21 ) begin
      \$81  = \$23 ;
    end
    if (rst) begin
      \$81  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$82  = spare;
    if (\$24 ) begin
      \$82  = data;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$83  = spare_last;
    if (\$24 ) begin
      \$83  = last;
    end
    if (rst) begin
      \$83  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$84  = beats_left;
    if (\$26 ) begin
      \$84  = \$27 [2:0];
    end
    if (\$signal$11 ) begin
      \$84  = 3'h7;
    end
    if (rst) begin
      \$84  = 3'h7;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$85  = final_beat;
    if (\$26 ) begin
      \$85  = \$28 ;
    end
    if (\$signal$11 ) begin
      \$85  = 1'h0;
    end
    if (rst) begin
      \$85  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$86  = dropping;
    if (\$30 ) begin
      \$86  = 1'h0;
    end
    if (\$signal$11 ) begin
      \$86  = ending_late;
    end
    if (rst) begin
      \$86  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$87  = \$34 ;
    if (rst) begin
      \$87  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$88  = \$38 ;
    if (rst) begin
      \$88  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$89  = \$39 ;
    if (rst) begin
      \$89  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$90  = frame_error;
    if (\$signal$11 ) begin
      if (\$40 ) begin
        \$90  = 1'h1;
      end
    end
    if (rst) begin
      \$90  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$91  = \$42 [1:0];
    if (rst) begin
      \$91  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$92  = \$2 [1:0];
    if (rst) begin
      \$92  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$93  = \$47 ;
    if (rst) begin
      \$93  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$94  = taken;
    if (step) begin
      \$94  = \$48 ;
    end
    if (bank_end) begin
      \$94  = \$60 ;
    end
    if (\$signal$11 ) begin
      \$94  = 1'h1;
    end
    if (rst) begin
      \$94  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$95  = reach;
    if (step) begin
      \$95  = \$49 [1:0];
    end
    if (bank_end) begin
      \$95  = \$10 [1:0];
    end
    if (\$signal$11 ) begin
      \$95  = 2'h2;
    end
    if (rst) begin
      \$95  = 2'h2;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$96  = bank_full;
    if (step) begin
      \$96  = \$50 ;
    end
    if (bank_end) begin
      \$96  = \$61 ;
    end
    if (\$signal$11 ) begin
      \$96  = 1'h0;
    end
    if (rst) begin
      \$96  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$97  = beat_full;
    if (step) begin
      \$97  = \$56 ;
    end
    if (bank_end) begin
      \$97  = \$67 ;
    end
    if (\$signal$11 ) begin
      \$97  = 1'h1;
    end
    if (rst) begin
      \$97  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$98  = used;
    if (step) begin
      \$98  = 1'h0;
    end
    if (bank_end) begin
      \$98  = 1'h0;
    end
    if (\$signal$11 ) begin
      \$98  = 1'h0;
    end
    if (rst) begin
      \$98  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$99  = following;
    if (bank_end) begin
      \$99  = \$57 ;
    end
    if (\$signal$11 ) begin
      \$99  = 6'h22;
    end
    if (rst) begin
      \$99  = 6'h22;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$100  = last_bank;
    if (bank_end) begin
      \$100  = following[3];
    end
    if (\$signal$11 ) begin
      \$100  = 1'h0;
    end
    if (rst) begin
      \$100  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$101  = shared;
    if (bank_end) begin
      \$101  = following[2];
    end
    if (\$signal$11 ) begin
      \$101  = 1'h0;
    end
    if (rst) begin
      \$101  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$102  = 1'h0;
    if (rst) begin
      \$102  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$103  = { \$signal$11 , 1'h0, \$70 , step };
    if (rst) begin
      \$103  = 4'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$104  = \$signal$23 [2:1];
    if (rst) begin
      \$104  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$105  = late_lane;
    if (o[1]) begin
      \$105 [0] = \$71 ;
      \$105 [1] = \$72 ;
      \$105 [2] = \$73 ;
      \$105 [3] = \$74 ;
    end
    if (rst) begin
      \$105  = 4'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$106  = \$75 ;
    if (rst) begin
      \$106  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$7 ) begin end
    \$107  = write_address;
    if (o[0]) begin
      \$107  = \$76 [1:0];
    end
    if (flags_2[0]) begin
      \$107  = \$77 ;
    end
    if (rst) begin
      \$107  = 2'h0;
    end
  end
  assign occupied_next = \$2 [1:0];
  assign reach_next = \$10 [1:0];
  assign carried = 1'h0;
  assign address_0 = write_address;
  assign value_0 = write_data;
  assign \following.rows  = following[1:0];
  assign \following.shared  = following[2];
  assign \following.last  = following[3];
  assign \following.next  = following[5:4];
  assign \$11  = 2'h0;
  assign \$58  = 1'h1;
  assign \$60  = \$59 ;
  assign \$68  = 2'h1;
  assign \$69  = 2'h0;
endmodule

module \hdlgen_tiny.engine.loader.here (rst, i, copies, clk);
  input clk;
  wire clk;
  output [2:0] copies;
  reg [2:0] copies = 3'h0;
  input [2:0] i;
  wire [2:0] i;
  (* init = 3'h0 *)
  wire [2:0] o;
  input rst;
  wire rst;
  always @(posedge clk)
    copies <= i;
  assign o = copies;
endmodule

module \hdlgen_tiny.engine.multiplier (p, w, \port$894$0 , \port$895$0 , \port$896$0 , \port$897$0 , clk);
  wire [31:0] a;
  input clk;
  wire clk;
  output [63:0] p;
  wire [63:0] p;
  input [7:0] \port$894$0 ;
  wire [7:0] \port$894$0 ;
  input [7:0] \port$895$0 ;
  wire [7:0] \port$895$0 ;
  input [7:0] \port$896$0 ;
  wire [7:0] \port$896$0 ;
  input [7:0] \port$897$0 ;
  wire [7:0] \port$897$0 ;
  input [31:0] w;
  wire [31:0] w;
  hdlgen_tiny_multiplier part (
    .a({ \port$897$0 , \port$896$0 , \port$895$0 , \port$894$0  }),
    .clk(clk),
    .p(p),
    .w(w)
  );
  assign a = { \port$897$0 , \port$896$0 , \port$895$0 , \port$894$0  };
endmodule

module \hdlgen_tiny.engine.results (clk, rst, start, sent, write_enable, write_value, write_position, valid, result, last, ready);
  reg \$auto$verilog_backend.cc:2355:dump_module$8 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$8  = 0;
  wire \$1 ;
  wire [2:0] \$10 ;
  wire \$11 ;
  wire \$12 ;
  wire \$13 ;
  wire [3:0] \$14 ;
  wire \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  wire \$19 ;
  wire [18:0] \$2 ;
  reg [9:0] \$20 ;
  wire \$21 ;
  wire [17:0] \$22 ;
  wire \$23 ;
  wire \$24 ;
  wire \$25 ;
  wire \$26 ;
  wire \$27 ;
  wire \$28 ;
  wire \$29 ;
  wire \$3 ;
  wire \$30 ;
  wire \$31 ;
  wire \$32 ;
  wire [17:0] \$33 ;
  wire \$34 ;
  reg \$35 ;
  reg [1:0] \$36 ;
  reg \$37 ;
  reg \$38 ;
  reg \$39 ;
  wire \$4 ;
  reg \$40 ;
  reg \$41 ;
  reg \$42 ;
  reg \$43 ;
  reg [1:0] \$44 ;
  reg [9:0] \$45 ;
  reg \$46 ;
  reg \$47 ;
  reg [17:0] \$48 ;
  reg [17:0] \$49 ;
  wire [2:0] \$5 ;
  reg \$50 ;
  reg \$51 ;
  reg [17:0] \$52 ;
  reg \$53 ;
  reg [17:0] \$54 ;
  reg \$55 ;
  wire [2:0] \$6 ;
  wire [18:0] \$7 ;
  wire \$8 ;
  wire \$9 ;
  (* init = 1'h0 *)
  wire \$signal ;
  reg [17:0] \$signal$21  = 18'h00000;
  reg [17:0] \$signal$29  = 18'h00000;
  reg \$signal$31  = 1'h0;
  reg \$signal$46  = 1'h0;
  reg active_0 = 1'h0;
  reg active_1 = 1'h0;
  wire advance;
  reg [9:0] bias = 10'h000;
  input clk;
  wire clk;
  wire [17:0] complete;
  wire [31:0] data;
  wire ends;
  reg ends_0 = 1'h0;
  reg ends_1 = 1'h0;
  reg [1:0] following;
  reg [1:0] frames = 2'h0;
  wire [1:0] lane;
  output last;
  reg last = 1'h0;
  wire \last$41 ;
  reg last_0 = 1'h0;
  reg last_1 = 1'h0;
  reg \last_1$47  = 1'h0;
  reg [1:0] number = 2'h0;
  wire [17:0] o;
  wire read_enable;
  reg read_half = 1'h0;
  (* init = 1'h0 *)
  wire \read_half$13 ;
  wire [1:0] read_lane;
  wire [-1:0] read_row;
  input ready;
  wire ready;
  output [17:0] result;
  reg [17:0] result = 18'h00000;
  wire [-1:0] row;
  input rst;
  wire rst;
  output sent;
  wire sent;
  reg [17:0] spare = 18'h00000;
  reg spare_last = 1'h0;
  input start;
  wire start;
  wire step;
  wire [17:0] total;
  output valid;
  reg valid = 1'h0;
  input write_enable;
  wire write_enable;
  wire \write_enable$1 ;
  reg write_half = 1'h0;
  input [1:0] write_position;
  wire [1:0] write_position;
  wire [1:0] \write_position$7 ;
  wire [-1:0] write_row;
  wire [-1:0] \write_row$5 ;
  input [17:0] write_value;
  wire [17:0] write_value;
  wire [17:0] \write_value$9 ;
  always @(posedge clk)
    active_0 <= \$38 ;
  always @(posedge clk)
    ends_0 <= \$39 ;
  always @(posedge clk)
    last_0 <= \$40 ;
  always @(posedge clk)
    active_1 <= \$41 ;
  always @(posedge clk)
    ends_1 <= \$42 ;
  always @(posedge clk)
    last_1 <= \$43 ;
  always @(posedge clk)
    number <= \$44 ;
  always @(posedge clk)
    bias <= \$45 ;
  always @(posedge clk)
    \$signal$46  <= \$46 ;
  always @(posedge clk)
    \last_1$47  <= \$47 ;
  always @(posedge clk)
    \$signal$29  <= \$48 ;
  always @(posedge clk)
    \$signal$21  <= \$49 ;
  always @(posedge clk)
    valid <= \$50 ;
  always @(posedge clk)
    \$signal$31  <= \$51 ;
  always @(posedge clk)
    result <= \$52 ;
  always @(posedge clk)
    last <= \$53 ;
  always @(posedge clk)
    spare <= \$54 ;
  always @(posedge clk)
    spare_last <= \$55 ;
  assign \$1  = | frames;
  assign step = \$1  & read_enable;
  assign \$2  = $signed(\$signal$21 ) + $signed(o);
  assign \$3  = read_enable & active_1;
  assign \$4  = \$3  & ends_1;
  assign \$5  = number + 1'h1;
  assign \$6  = last_1 ? 3'h0 : \$5 ;
  assign \$7  = $signed(\$signal$29 ) + $signed(bias);
  assign read_enable = ~ \$signal$31 ;
  assign \$8  = valid & ready;
  assign sent = \$8  & last;
  assign \$9  = ~ write_half;
  assign \$10  = frames + start;
  assign \$11  = | frames;
  assign \$12  = \$11  & \last$41 ;
  assign \$13  = \$12  & read_enable;
  assign \$14  = \$10  - \$13 ;
  assign \$15  = | frames;
  assign \$16  = \$15  & \last$41 ;
  assign \$17  = \$16  & read_enable;
  assign \$18  = ~ read_half;
  assign \$19  = | frames;
  assign \$21  = active_1 & ends_1;
  assign \$22  = ends_1 ? 18'h00000 : \$2 [17:0];
  assign \$23  = ~ ready;
  assign \$24  = valid & \$23 ;
  assign \$25  = \$24  | \$signal$31 ;
  assign \$26  = \$25  | \$signal$46 ;
  assign \$27  = \$signal$31  | \$signal$46 ;
  assign \$28  = \$27  & valid;
  assign \$29  = ~ ready;
  assign \$30  = \$28  & \$29 ;
  assign \$31  = ~ valid;
  assign \$32  = \$31  | ready;
  assign \$33  = \$signal$31  ? spare : \$7 [17:0];
  assign \$34  = \$signal$31  ? spare_last : \last_1$47 ;
  always @(posedge clk)
    write_half <= \$35 ;
  always @(posedge clk)
    frames <= \$36 ;
  always @(posedge clk)
    read_half <= \$37 ;
  \hdlgen_tiny.engine.results.order  order (
    .clk(clk),
    .ends(ends),
    .lane(read_lane),
    .last(\last$41 ),
    .rst(rst),
    .step(step)
  );
  \hdlgen_tiny.engine.results.sums  sums (
    .clk(clk),
    .o(o),
    .read__en(read_enable),
    .read_half(read_half),
    .read_lane(read_lane),
    .rst(rst),
    .write_enable(write_enable),
    .write_half(write_half),
    .write_position(write_position),
    .write_value(write_value)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$38  = active_0;
    if (read_enable) begin
      \$38  = \$19 ;
    end
    if (rst) begin
      \$38  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$39  = ends_0;
    if (read_enable) begin
      \$39  = ends;
    end
    if (rst) begin
      \$39  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$40  = last_0;
    if (read_enable) begin
      \$40  = \last$41 ;
    end
    if (rst) begin
      \$40  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$41  = active_1;
    if (read_enable) begin
      \$41  = active_0;
    end
    if (rst) begin
      \$41  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$42  = ends_1;
    if (read_enable) begin
      \$42  = ends_0;
    end
    if (rst) begin
      \$42  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$43  = last_1;
    if (read_enable) begin
      \$43  = last_0;
    end
    if (rst) begin
      \$43  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$44  = following;
    if (rst) begin
      \$44  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$45  = bias;
    if (read_enable) begin
      \$45  = \$20 ;
    end
    if (rst) begin
      \$45  = 10'h000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$46  = \$signal$46 ;
    if (read_enable) begin
      \$46  = \$21 ;
    end
    if (rst) begin
      \$46  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$47  = \last_1$47 ;
    if (read_enable) begin
      \$47  = last_1;
    end
    if (rst) begin
      \$47  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$48  = \$signal$29 ;
    if (read_enable) begin
      \$48  = \$2 [17:0];
    end
    if (rst) begin
      \$48  = 18'h00000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$49  = \$signal$21 ;
    if (read_enable) begin
      if (active_1) begin
        \$49  = \$22 ;
      end
    end
    if (rst) begin
      \$49  = 18'h00000;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$50  = \$26 ;
    if (rst) begin
      \$50  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$51  = \$30 ;
    if (rst) begin
      \$51  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$52  = result;
    if (\$32 ) begin
      \$52  = \$33 ;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$53  = last;
    if (\$32 ) begin
      \$53  = \$34 ;
    end
    if (rst) begin
      \$53  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$54  = spare;
    if (read_enable) begin
      \$54  = \$7 [17:0];
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$55  = spare_last;
    if (read_enable) begin
      \$55  = \last_1$47 ;
    end
    if (rst) begin
      \$55  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    (* full_case = 32'd1 *)
    casez (number)
      2'h0:
          \$20  = 10'h1a9;
      2'h1:
          \$20  = 10'h0ca;
      2'h2:
          \$20  = 10'h39d;
      2'h3:
          \$20  = 10'h211;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    following = number;
    if (\$4 ) begin
      following = \$6 [1:0];
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$35  = write_half;
    if (start) begin
      \$35  = \$9 ;
    end
    if (rst) begin
      \$35  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$36  = \$14 [1:0];
    if (rst) begin
      \$36  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$8 ) begin end
    \$37  = read_half;
    if (\$17 ) begin
      \$37  = \$18 ;
    end
    if (rst) begin
      \$37  = 1'h0;
    end
  end
  assign \write_enable$1  = write_enable;
  assign \$signal  = write_half;
  assign \write_position$7  = write_position;
  assign \write_value$9  = write_value;
  assign advance = read_enable;
  assign \read_half$13  = read_half;
  assign lane = read_lane;
  assign total = \$2 [17:0];
  assign complete = \$7 [17:0];
  assign data = { result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result[17], result };
endmodule

module \hdlgen_tiny.engine.results.order (rst, step, lane, ends, last, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$9 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$9  = 0;
  wire [2:0] \$1 ;
  reg [1:0] \$2 ;
  reg [1:0] \$3 ;
  reg \$4 ;
  reg \$5 ;
  input clk;
  wire clk;
  output ends;
  reg ends = 1'h1;
  reg [1:0] following_0;
  wire [-1:0] following_1;
  reg following_2;
  reg following_3;
  reg [1:0] index = 2'h1;
  output [1:0] lane;
  reg [1:0] lane = 2'h0;
  output last;
  reg last = 1'h0;
  wire [-1:0] row;
  input rst;
  wire rst;
  input step;
  wire step;
  always @(posedge clk)
    index <= \$2 ;
  always @(posedge clk)
    lane <= \$3 ;
  always @(posedge clk)
    ends <= \$4 ;
  always @(posedge clk)
    last <= \$5 ;
  assign \$1  = index + 1'h1;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    \$2  = index;
    if (step) begin
      \$2  = \$1 [1:0];
    end
    if (rst) begin
      \$2  = 2'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    \$3  = lane;
    if (step) begin
      \$3  = following_0;
    end
    if (rst) begin
      \$3  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    \$4  = ends;
    if (step) begin
      \$4  = following_2;
    end
    if (rst) begin
      \$4  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    \$5  = last;
    if (step) begin
      \$5  = following_3;
    end
    if (rst) begin
      \$5  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    (* full_case = 32'd1 *)
    casez (index)
      2'h0:
          following_0 = 2'h0;
      2'h1:
          following_0 = 2'h3;
      2'h2:
          following_0 = 2'h2;
      2'h3:
          following_0 = 2'h1;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    (* full_case = 32'd1 *)
    casez (index)
      2'h0:
          following_2 = 1'h1;
      2'h1:
          following_2 = 1'h1;
      2'h2:
          following_2 = 1'h1;
      2'h3:
          following_2 = 1'h1;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$9 ) begin end
    (* full_case = 32'd1 *)
    casez (index)
      2'h0:
          following_3 = 1'h0;
      2'h1:
          following_3 = 1'h0;
      2'h2:
          following_3 = 1'h0;
      2'h3:
          following_3 = 1'h1;
    endcase
  end
endmodule

module \hdlgen_tiny.engine.results.sums (rst, read__en, write_enable, write_value, write_position, write_half, read_half, read_lane, o, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$10 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$10  = 0;
  wire [17:0] \$1 ;
  reg [17:0] \$2 ;
  wire [2:0] \$signature__addr ;
  wire [17:0] \$signature__data ;
  wire \$signature__en ;
  wire [-1:0] chain;
  input clk;
  wire clk;
  output [17:0] o;
  reg [17:0] o = 18'h00000;
  wire [2:0] read__addr;
  wire [17:0] read__data;
  input read__en;
  wire read__en;
  wire read_enable;
  input read_half;
  wire read_half;
  input [1:0] read_lane;
  wire [1:0] read_lane;
  wire [-1:0] read_row;
  input rst;
  wire rst;
  input write_enable;
  wire write_enable;
  input write_half;
  wire write_half;
  input [1:0] write_position;
  wire [1:0] write_position;
  wire [-1:0] write_row;
  input [17:0] write_value;
  wire [17:0] write_value;
  reg [17:0] store_0 [7:0];
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
    if (write_enable)
      store_0[{ write_half, write_position }] <= write_value;
  end
  reg [17:0] _0_;
  always @(posedge clk) begin
    if (read__en) begin
      _0_ <= store_0[{ read_half, read_lane }];
    end
  end
  assign read__data = _0_;
  always @(posedge clk)
    o <= \$2 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$10 ) begin end
    \$2  = o;
    if (read__en) begin
      \$2  = \$1 ;
    end
    if (rst) begin
      \$2  = 18'h00000;
    end
  end
  assign \$signature__en  = write_enable;
  assign \$signature__addr  = { write_half, write_position };
  assign \$signature__data  = write_value;
  assign read_enable = read__en;
  assign read__addr = { read_half, read_lane };
  assign \$1  = read__data;
endmodule

module \hdlgen_tiny.engine.sequencer (rst, done, loaded, valid, take, sent, idle, counter, first, last, job, parity, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$11 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$11  = 0;
  wire \$1 ;
  wire \$10 ;
  wire [2:0] \$100 ;
  wire [3:0] \$101 ;
  wire [2:0] \$102 ;
  wire [2:0] \$103 ;
  wire \$104 ;
  reg [1:0] \$105 ;
  reg [1:0] \$106 ;
  wire \$107 ;
  wire \$108 ;
  wire \$109 ;
  wire \$11 ;
  wire \$110 ;
  wire \$111 ;
  wire [1:0] \$112 ;
  wire [1:0] \$113 ;
  wire \$114 ;
  reg \$115 ;
  reg \$116 ;
  reg \$117 ;
  reg \$118 ;
  reg \$119 ;
  wire \$12 ;
  reg \$120 ;
  reg \$121 ;
  reg [1:0] \$122 ;
  reg [1:0] \$123 ;
  reg [1:0] \$124 ;
  reg \$125 ;
  reg [1:0] \$126 ;
  reg \$127 ;
  reg \$128 ;
  reg \$129 ;
  wire \$13 ;
  reg \$130 ;
  reg \$131 ;
  reg \$132 ;
  reg \$133 ;
  reg \$134 ;
  reg \$135 ;
  wire \$14 ;
  wire \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  wire \$19 ;
  wire \$2 ;
  wire \$20 ;
  wire \$21 ;
  wire \$22 ;
  wire \$23 ;
  wire \$24 ;
  wire \$25 ;
  wire \$26 ;
  wire \$27 ;
  wire \$28 ;
  wire \$29 ;
  wire \$3 ;
  wire \$30 ;
  wire \$31 ;
  wire \$32 ;
  wire \$33 ;
  wire \$34 ;
  wire \$35 ;
  wire \$36 ;
  wire \$37 ;
  wire \$38 ;
  wire \$39 ;
  wire \$4 ;
  wire \$40 ;
  wire \$41 ;
  wire \$42 ;
  wire \$43 ;
  wire \$44 ;
  wire \$45 ;
  wire \$46 ;
  wire \$47 ;
  wire \$48 ;
  wire \$49 ;
  wire \$5 ;
  wire \$50 ;
  wire \$51 ;
  wire \$52 ;
  wire \$53 ;
  wire \$54 ;
  wire \$55 ;
  wire \$56 ;
  wire \$57 ;
  wire \$58 ;
  wire \$59 ;
  wire \$6 ;
  wire \$60 ;
  wire \$61 ;
  wire \$62 ;
  wire \$63 ;
  wire \$64 ;
  wire \$65 ;
  wire \$66 ;
  wire \$67 ;
  wire \$68 ;
  wire \$69 ;
  wire \$7 ;
  wire \$70 ;
  wire \$71 ;
  wire \$72 ;
  wire \$73 ;
  wire \$74 ;
  wire \$75 ;
  wire \$76 ;
  wire \$77 ;
  wire \$78 ;
  wire \$79 ;
  wire \$8 ;
  wire \$80 ;
  wire \$81 ;
  wire \$82 ;
  wire \$83 ;
  wire \$84 ;
  wire \$85 ;
  wire \$86 ;
  wire \$87 ;
  wire \$88 ;
  wire \$89 ;
  wire \$9 ;
  wire \$90 ;
  wire \$91 ;
  wire \$92 ;
  wire \$93 ;
  wire \$94 ;
  wire \$95 ;
  wire \$96 ;
  wire \$97 ;
  wire \$98 ;
  wire \$99 ;
  reg \$signal  = 1'h0;
  reg \$signal$11  = 1'h0;
  reg \$signal$14  = 1'h0;
  reg \$signal$25  = 1'h0;
  reg \$signal$7  = 1'h0;
  reg \$signal$9  = 1'h0;
  wire accept;
  wire advance;
  reg chosen_job = 1'h0;
  reg chosen_newer = 1'h0;
  reg chosen_waits = 1'h0;
  input clk;
  wire clk;
  output [1:0] counter;
  reg [1:0] counter = 2'h0;
  input [1:0] done;
  wire [1:0] done;
  output first;
  reg first = 1'h0;
  wire following_job;
  wire go;
  output idle;
  reg idle = 1'h0;
  output job;
  reg job = 1'h0;
  output last;
  reg last = 1'h0;
  (* init = 1'h0 *)
  wire \last$5 ;
  reg [1:0] left = 2'h0;
  input loaded;
  wire loaded;
  reg newer = 1'h0;
  reg newer_next = 1'h0;
  reg older_parity = 1'h0;
  output parity;
  reg parity = 1'h0;
  input rst;
  wire rst;
  input sent;
  wire sent;
  wire start;
  output take;
  wire take;
  reg [1:0] unsent = 2'h0;
  output valid;
  wire valid;
  reg [1:0] waiting = 2'h0;
  assign \$1  = ~ \$signal ;
  assign \$2  = valid & last;
  assign \$3  = \$1  | \$2 ;
  assign start = \$signal$7  & \$3 ;
  assign take = start & \$signal$9 ;
  assign \$4  = waiting >> older_parity;
  assign \$5  = ~ \$4 ;
  assign \$6  = \$signal$11  & \$5 ;
  assign \$7  = ~ \$signal$14 ;
  assign \$8  = unsent < 2'h2;
  assign \$9  = \$7  | \$8 ;
  assign \$10  = \$6  & \$9 ;
  assign \$11  = ~ older_parity;
  assign \$12  = waiting >> \$11 ;
  assign \$13  = ~ \$12 ;
  assign \$14  = newer & \$13 ;
  assign following_job = \$10  ? \$signal$14  : 1'h0;
  assign \$17  = \$signal  | \$signal$7 ;
  assign \$18  = \$17  | \$signal$11 ;
  assign \$19  = \$18  | newer;
  assign \$20  = | waiting;
  assign \$21  = \$19  | \$20 ;
  assign \$22  = | unsent;
  assign \$23  = \$21  | \$22 ;
  assign \$26  = waiting >> older_parity;
  assign \$27  = ~ \$26 ;
  assign \$28  = \$signal$11  & \$27 ;
  assign \$29  = ~ \$signal$14 ;
  assign \$30  = unsent < 2'h2;
  assign \$31  = \$29  | \$30 ;
  assign \$32  = \$28  & \$31 ;
  assign \$33  = ~ older_parity;
  assign \$34  = waiting >> \$33 ;
  assign \$35  = ~ \$34 ;
  assign \$36  = newer & \$35 ;
  assign \$40  = ~ newer;
  assign \$41  = \$39  & \$40 ;
  assign \$42  = ~ \$signal$11 ;
  assign \$44  = \$41  & \$43 ;
  assign \$45  = \$38  | \$44 ;
  assign \$46  = ~ start;
  assign \$47  = \$45  & \$46 ;
  assign \$48  = ~ \$signal$7 ;
  assign \$49  = \$47  & \$48 ;
  assign \$50  = waiting >> older_parity;
  assign \$51  = ~ \$50 ;
  assign \$52  = \$signal$11  & \$51 ;
  assign \$53  = ~ \$signal$14 ;
  assign \$54  = unsent < 2'h2;
  assign \$55  = \$53  | \$54 ;
  assign \$56  = \$52  & \$55 ;
  assign \$57  = ~ \$56 ;
  assign \$58  = ~ older_parity;
  assign \$59  = waiting >> \$58 ;
  assign \$60  = ~ \$59 ;
  assign \$61  = newer & \$60 ;
  assign \$64  = waiting >> older_parity;
  assign \$65  = ~ \$64 ;
  assign \$66  = \$signal$11  & \$65 ;
  assign \$67  = ~ \$signal$14 ;
  assign \$68  = unsent < 2'h2;
  assign \$69  = \$67  | \$68 ;
  assign \$70  = \$66  & \$69 ;
  assign \$71  = ~ \$70 ;
  assign \$72  = ~ older_parity;
  assign \$73  = waiting >> \$72 ;
  assign \$74  = ~ \$73 ;
  assign \$75  = newer & \$74 ;
  assign \$79  = waiting >> older_parity;
  assign \$80  = ~ \$79 ;
  assign \$81  = \$signal$11  & \$80 ;
  assign \$82  = ~ \$signal$14 ;
  assign \$83  = unsent < 2'h2;
  assign \$84  = \$82  | \$83 ;
  assign \$85  = \$81  & \$84 ;
  assign \$86  = ~ older_parity;
  assign \$87  = waiting >> \$86 ;
  assign \$88  = ~ \$87 ;
  assign \$89  = newer & \$88 ;
  assign \$91  = ~ older_parity;
  assign \$92  = \$signal$11  ^ older_parity;
  assign \$94  = \$85  ? older_parity : \$93 ;
  assign \$95  = ~ following_job;
  assign \$96  = ~ start;
  assign \$97  = \$signal$7  & \$96 ;
  assign \$98  = ~ chosen_waits;
  assign \$99  = start & \$98 ;
  assign \$100  = unsent + \$99 ;
  assign \$101  = \$100  - sent;
  assign \$102  = counter + 1'h1;
  assign \$103  = left - 1'h1;
  assign \$104  = left == 1'h1;
  assign \$107  = ! \$106 ;
  assign \$108  = ! \$signal$25 ;
  assign \$109  = chosen_waits & \$108 ;
  assign \$111  = chosen_waits & \$110 ;
  assign \$112  = newer_next + 1'h1;
  assign \$113  = \$signal$14  + 1'h1;
  assign \$114  = ~ older_parity;
  always @(posedge clk)
    idle <= \$115 ;
  always @(posedge clk)
    \$signal$7  <= \$116 ;
  always @(posedge clk)
    chosen_newer <= \$117 ;
  always @(posedge clk)
    \$signal$9  <= \$118 ;
  always @(posedge clk)
    chosen_job <= \$119 ;
  always @(posedge clk)
    \$signal$25  <= \$120 ;
  always @(posedge clk)
    chosen_waits <= \$121 ;
  always @(posedge clk)
    waiting <= \$122 ;
  always @(posedge clk)
    unsent <= \$123 ;
  always @(posedge clk)
    counter <= \$124 ;
  always @(posedge clk)
    first <= \$125 ;
  always @(posedge clk)
    left <= \$126 ;
  always @(posedge clk)
    last <= \$127 ;
  always @(posedge clk)
    \$signal  <= \$128 ;
  always @(posedge clk)
    job <= \$129 ;
  always @(posedge clk)
    parity <= \$130 ;
  always @(posedge clk)
    newer <= \$131 ;
  always @(posedge clk)
    newer_next <= \$132 ;
  always @(posedge clk)
    \$signal$11  <= \$133 ;
  always @(posedge clk)
    \$signal$14  <= \$134 ;
  always @(posedge clk)
    older_parity <= \$135 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    (* full_case = 32'd1 *)
    casez (chosen_job)
      1'h0:
          \$105  = 2'h3;
      1'h1:
          \$105  = 2'h3;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    (* full_case = 32'd1 *)
    casez (chosen_job)
      1'h0:
          \$106  = 2'h3;
      1'h1:
          \$106  = 2'h3;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$115  = \$25 ;
    if (rst) begin
      \$115  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$116  = \$49 ;
    if (\$97 ) begin
      \$116  = 1'h1;
    end
    if (rst) begin
      \$116  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$117  = \$63 ;
    if (\$97 ) begin
      \$117  = chosen_newer;
    end
    if (rst) begin
      \$117  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$118  = \$78 ;
    if (\$97 ) begin
      \$118  = \$signal$9 ;
    end
    if (rst) begin
      \$118  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$119  = following_job;
    if (\$97 ) begin
      \$119  = chosen_job;
    end
    if (rst) begin
      \$119  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$120  = \$94 ;
    if (\$97 ) begin
      \$120  = \$signal$25 ;
    end
    if (rst) begin
      \$120  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$121  = \$95 ;
    if (\$97 ) begin
      \$121  = chosen_waits;
    end
    if (rst) begin
      \$121  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$122  = waiting;
    if (done[0]) begin
      \$122 [0] = 1'h0;
    end
    if (done[1]) begin
      \$122 [1] = 1'h0;
    end
    if (start) begin
      if (\$109 ) begin
        \$122 [0] = 1'h1;
      end
      if (\$111 ) begin
        \$122 [1] = 1'h1;
      end
    end
    if (rst) begin
      \$122  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$123  = \$101 [1:0];
    if (rst) begin
      \$123  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$124  = counter;
    if (valid) begin
      \$124  = \$102 [1:0];
    end
    if (start) begin
      \$124  = 2'h0;
    end
    if (rst) begin
      \$124  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$125  = first;
    if (valid) begin
      \$125  = 1'h0;
    end
    if (start) begin
      \$125  = 1'h1;
    end
    if (rst) begin
      \$125  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$126  = left;
    if (valid) begin
      \$126  = \$103 [1:0];
    end
    if (start) begin
      \$126  = \$105 ;
    end
    if (rst) begin
      \$126  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$127  = last;
    if (valid) begin
      \$127  = \$104 ;
    end
    if (start) begin
      \$127  = \$107 ;
    end
    if (rst) begin
      \$127  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$128  = \$signal ;
    if (valid) begin
      if (last) begin
        \$128  = 1'h0;
      end
    end
    if (start) begin
      \$128  = 1'h1;
    end
    if (rst) begin
      \$128  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$129  = job;
    if (start) begin
      \$129  = chosen_job;
    end
    if (rst) begin
      \$129  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$130  = parity;
    if (start) begin
      \$130  = \$signal$25 ;
    end
    if (rst) begin
      \$130  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$131  = newer;
    if (start) begin
      (* full_case = 32'd1 *)
      if (\$signal$9 ) begin
        if (\$signal$11 ) begin
          \$131  = 1'h1;
        end
      end else if (chosen_newer) begin
      end else if (chosen_waits) begin
      end else begin
        \$131  = 1'h0;
      end
    end
    if (rst) begin
      \$131  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$132  = newer_next;
    if (start) begin
      if (\$signal$9 ) begin
        if (\$signal$11 ) begin
          \$132  = 1'h1;
        end
      end else if (chosen_newer) begin
        \$132  = \$112 [0];
      end
    end
    if (rst) begin
      \$132  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$133  = \$signal$11 ;
    if (start) begin
      (* full_case = 32'd1 *)
      if (\$signal$9 ) begin
        (* full_case = 32'd1 *)
        if (\$signal$11 ) begin
        end else begin
          \$133  = 1'h1;
        end
      end else if (chosen_newer) begin
      end else if (chosen_waits) begin
      end else begin
        \$133  = newer;
      end
    end
    if (rst) begin
      \$133  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$134  = \$signal$14 ;
    if (start) begin
      (* full_case = 32'd1 *)
      if (\$signal$9 ) begin
        (* full_case = 32'd1 *)
        if (\$signal$11 ) begin
        end else begin
          \$134  = 1'h1;
        end
      end else if (chosen_newer) begin
      end else if (chosen_waits) begin
        \$134  = \$113 [0];
      end else begin
        \$134  = newer_next;
      end
    end
    if (rst) begin
      \$134  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$11 ) begin end
    \$135  = older_parity;
    if (start) begin
      (* full_case = 32'd1 *)
      if (\$signal$9 ) begin
      end else if (chosen_newer) begin
      end else if (chosen_waits) begin
      end else begin
        \$135  = \$114 ;
      end
    end
    if (rst) begin
      \$135  = 1'h0;
    end
  end
  assign go = 1'h1;
  assign advance = valid;
  assign \last$5  = last;
  assign accept = 1'h1;
  assign valid = \$signal ;
  assign \$15  = 1'h0;
  assign \$16  = 1'h0;
  assign \$24  = 1'h1;
  assign \$25  = 1'h0;
  assign \$37  = 1'h0;
  assign \$38  = \$32 ;
  assign \$39  = loaded;
  assign \$43  = \$42 ;
  assign \$62  = 1'h0;
  assign \$63  = 1'h0;
  assign \$76  = 1'h0;
  assign \$77  = 1'h1;
  assign \$78  = \$71 ;
  assign \$90  = 1'h0;
  assign \$93  = \$92 ;
  assign \$110  = \$signal$25 ;
endmodule

module \hdlgen_tiny.engine.walker (rst, valid, counter, first, job, address, exchange, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$12 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$12  = 0;
  wire [2:0] \$1 ;
  wire [1:0] \$10 ;
  wire [1:0] \$11 ;
  wire \$12 ;
  wire \$13 ;
  wire [1:0] \$14 ;
  reg [1:0] \$15 ;
  wire [2:0] \$16 ;
  wire [1:0] \$17 ;
  reg [1:0] \$18 ;
  reg \$19 ;
  wire [2:0] \$2 ;
  reg \$20 ;
  reg \$21 ;
  reg \$22 ;
  reg [2:0] \$23 ;
  reg \$24 ;
  reg \$25 ;
  reg \$26 ;
  reg \$27 ;
  reg [2:0] \$28 ;
  reg \$29 ;
  wire [1:0] \$3 ;
  reg \$30 ;
  reg \$31 ;
  reg [1:0] \$32 ;
  reg \$33 ;
  reg [1:0] \$34 ;
  reg [1:0] \$35 ;
  wire [1:0] \$4 ;
  wire [1:0] \$5 ;
  wire \$6 ;
  wire \$7 ;
  wire \$8 ;
  reg \$9 ;
  reg [1:0] \$signal  = 2'h0;
  reg \$signal$14  = 1'h0;
  reg \$signal$23  = 1'h0;
  reg \$signal$25  = 1'h0;
  reg \$signal$28  = 1'h0;
  reg \$signal$31  = 1'h0;
  reg \$signal$4  = 1'h0;
  output [1:0] address;
  reg [1:0] address = 2'h0;
  (* init = 2'h0 *)
  wire [1:0] address_0;
  wire buffer;
  reg buffer1 = 1'h0;
  reg buffer2 = 1'h0;
  reg buffer3 = 1'h0;
  input clk;
  wire clk;
  input [1:0] counter;
  wire [1:0] counter;
  output [1:0] exchange;
  reg [1:0] exchange = 2'h0;
  reg [1:0] exchange4 = 2'h0;
  (* init = 2'h0 *)
  wire [1:0] exchange5;
  input first;
  wire first;
  reg first1 = 1'h0;
  reg first2 = 1'h0;
  input job;
  wire job;
  reg job1 = 1'h0;
  wire [-1:0] low;
  wire [1:0] row;
  input rst;
  wire rst;
  wire [-1:0] split;
  wire [-1:0] split_0;
  reg [2:0] state = 3'h0;
  reg [2:0] step = 3'h0;
  reg [1:0] trailing;
  input valid;
  wire valid;
  reg [1:0] zeros = 2'h0;
  assign \$1  = \$signal  + \$signal$4 ;
  assign \$2  = state ^ step;
  assign \$14  = buffer3 ? 2'h2 : 2'h0;
  assign \$16  = \$1 [1:0] + 1'h0;
  always @(posedge clk)
    zeros <= \$18 ;
  always @(posedge clk)
    \$signal$14  <= \$19 ;
  always @(posedge clk)
    first1 <= \$20 ;
  always @(posedge clk)
    job1 <= \$21 ;
  always @(posedge clk)
    buffer1 <= \$22 ;
  always @(posedge clk)
    step <= \$23 ;
  always @(posedge clk)
    \$signal$23  <= \$24 ;
  always @(posedge clk)
    first2 <= \$25 ;
  always @(posedge clk)
    \$signal$25  <= \$26 ;
  always @(posedge clk)
    buffer2 <= \$27 ;
  always @(posedge clk)
    state <= \$28 ;
  always @(posedge clk)
    \$signal$28  <= \$29 ;
  always @(posedge clk)
    buffer3 <= \$30 ;
  always @(posedge clk)
    \$signal$4  <= \$31 ;
  always @(posedge clk)
    \$signal  <= \$32 ;
  always @(posedge clk)
    \$signal$31  <= \$33 ;
  always @(posedge clk)
    exchange4 <= \$34 ;
  always @(posedge clk)
    address <= \$16 [1:0];
  always @(posedge clk)
    exchange <= \$35 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    (* full_case = 32'd1 *)
    casez (\$signal$28 )
      1'h0:
          \$9  = \$5 [0];
      1'h1:
          \$9  = \$8 ;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    (* full_case = 32'd1 *)
    casez (\$signal$28 )
      1'h0:
          \$15  = \$14 ;
      1'h1:
          \$15  = 2'h2;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    trailing = 2'h0;
    if (counter[1]) begin
      trailing = 2'h1;
    end
    if (counter[0]) begin
      trailing = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$18  = trailing;
    if (rst) begin
      \$18  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$19  = valid;
    if (rst) begin
      \$19  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$20  = first;
    if (rst) begin
      \$20  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$21  = job;
    if (rst) begin
      \$21  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$22  = 1'h0;
    if (rst) begin
      \$22  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    (* full_case = 32'd1 *)
    casez ({ job1, zeros })
      3'h0:
          \$23  = 3'h5;
      3'h1:
          \$23  = 3'h7;
      3'h4:
          \$23  = 3'h2;
      3'h5:
          \$23  = 3'h4;
      default:
          \$23  = 3'h0;
    endcase
    if (rst) begin
      \$23  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$24  = \$signal$14 ;
    if (rst) begin
      \$24  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$25  = first1;
    if (rst) begin
      \$25  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$26  = job1;
    if (rst) begin
      \$26  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$27  = buffer1;
    if (rst) begin
      \$27  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$28  = state;
    if (first2) begin
      \$28  = 3'h0;
    end else if (\$signal$23 ) begin
      \$28  = \$2 ;
    end
    if (rst) begin
      \$28  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$29  = \$signal$25 ;
    if (rst) begin
      \$29  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$30  = buffer2;
    if (rst) begin
      \$30  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$31  = \$9 ;
    if (rst) begin
      \$31  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$32  = \$15 ;
    if (rst) begin
      \$32  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$33  = \$signal$28 ;
    if (rst) begin
      \$33  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$34  = state[2:1];
    if (rst) begin
      \$34  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$12 ) begin end
    \$35  = exchange4;
    if (rst) begin
      \$35  = 2'h0;
    end
  end
  assign row = \$1 [1:0];
  assign address_0 = address;
  assign exchange5 = exchange;
  assign buffer = 1'h0;
  assign \$3  = { state[0], 1'h0 };
  assign \$4  = { 1'h0, \$3 [1] };
  assign \$5  = \$4 ;
  assign \$6  = 1'h0;
  assign \$7  = \$6 ;
  assign \$8  = \$7 ;
  assign \$10  = { state[0], 1'h0 };
  assign \$11  = { 1'h0, \$10 [1] };
  assign \$12  = 1'h0;
  assign \$13  = \$12 ;
  assign \$17  = 2'h0;
endmodule

module \hdlgen_tiny.weights (rst, w_en, o__payload, request__ready, ready_next, w_data, valid_2, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$13 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$13  = 0;
  wire \$1 ;
  wire \$10 ;
  wire \$11 ;
  wire \$12 ;
  wire [3:0] \$13 ;
  wire [2:0] \$14 ;
  wire \$15 ;
  wire \$16 ;
  wire \$17 ;
  wire \$18 ;
  reg \$19 ;
  wire \$2 ;
  reg [2:0] \$20 ;
  reg [1:0] \$21 ;
  reg \$22 ;
  reg \$23 ;
  reg \$24 ;
  reg \$25 ;
  reg [2:0] \$26 ;
  reg [1:0] \$27 ;
  reg \$28 ;
  reg \$29 ;
  wire \$3 ;
  wire \$4 ;
  reg [2:0] \$5 ;
  wire [3:0] \$6 ;
  reg [1:0] \$7 ;
  wire \$8 ;
  wire \$9 ;
  reg [2:0] \$like  = 3'h0;
  wire \$signal ;
  (* init = 3'h0 *)
  wire [2:0] \$signal$18 ;
  reg \$signal$23  = 1'h0;
  reg \$signal$7  = 1'h1;
  reg \$signal$8  = 1'h0;
  reg \$signal$9  = 1'h0;
  reg [2:0] address = 3'h0;
  reg advance_2 = 1'h1;
  input clk;
  wire clk;
  wire [31:0] data;
  wire empty_2;
  (* init = 1'h1 *)
  wire enable;
  wire following_2;
  reg last = 1'h0;
  reg [1:0] left = 2'h0;
  reg [1:0] length = 2'h0;
  output [31:0] o__payload;
  wire [31:0] o__payload;
  (* init = 1'h0 *)
  wire o__valid;
  (* init = 1'h1 *)
  wire output_enable;
  wire r_data;
  wire r_en;
  wire r_rdy;
  input ready_next;
  wire ready_next;
  wire request__payload;
  output request__ready;
  wire request__ready;
  wire request__valid;
  input rst;
  wire rst;
  wire switch;
  output valid_2;
  reg valid_2 = 1'h0;
  input w_data;
  wire w_data;
  input w_en;
  wire w_en;
  wire w_rdy;
  assign \$signal  = \$signal$7  ? \$signal$9  : \$signal$8 ;
  assign following_2 = advance_2 ? \$signal$8  : valid_2;
  assign \$1  = ~ following_2;
  assign empty_2 = \$1  | ready_next;
  assign \$2  = ~ \$signal$9 ;
  assign \$3  = \$2  | last;
  assign switch = \$signal$23  & \$3 ;
  assign r_en = ~ \$signal$23 ;
  assign \$4  = ~ \$signal$23 ;
  assign \$6  = \$5  + 1'h0;
  assign \$8  = ~ \$signal ;
  assign \$9  = \$8  | empty_2;
  assign \$10  = ~ \$signal$9 ;
  assign \$11  = \$signal$23  & \$10 ;
  assign \$12  = \$signal$7  | \$11 ;
  assign \$13  = address + 1'h1;
  assign \$14  = left - 1'h1;
  assign \$15  = left == 1'h1;
  assign \$16  = ~ last;
  assign \$17  = \$signal$9  & \$16 ;
  assign \$18  = ! length;
  always @(posedge clk)
    \$signal$23  <= \$19 ;
  always @(posedge clk)
    \$like  <= \$20 ;
  always @(posedge clk)
    length <= \$21 ;
  always @(posedge clk)
    \$signal$8  <= \$22 ;
  always @(posedge clk)
    valid_2 <= \$23 ;
  always @(posedge clk)
    advance_2 <= \$24 ;
  always @(posedge clk)
    \$signal$7  <= \$25 ;
  always @(posedge clk)
    address <= \$26 ;
  always @(posedge clk)
    left <= \$27 ;
  always @(posedge clk)
    last <= \$28 ;
  always @(posedge clk)
    \$signal$9  <= \$29 ;
  \hdlgen_tiny.weights.queue  queue (
    .clk(clk),
    .r_data(r_data),
    .r_en(r_en),
    .r_rdy(r_rdy),
    .rst(rst),
    .w_en(w_en),
    .w_port__data(w_data),
    .w_rdy(request__ready)
  );
  \hdlgen_tiny.weights.rom  rom (
    .address(address),
    .clk(clk),
    .data(o__payload),
    .enable(\$signal$7 ),
    .output_enable(advance_2)
  );
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    (* full_case = 32'd1 *)
    casez (r_data)
      1'h0:
          \$5  = 3'h0;
      1'h1:
          \$5  = 3'h4;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    (* full_case = 32'd1 *)
    casez (r_data)
      1'h0:
          \$7  = 2'h3;
      1'h1:
          \$7  = 2'h3;
    endcase
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$19  = \$signal$23 ;
    if (\$4 ) begin
      \$19  = r_rdy;
    end
    if (\$12 ) begin
      if (switch) begin
        \$19  = 1'h0;
      end
    end
    if (rst) begin
      \$19  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$20  = \$like ;
    if (\$4 ) begin
      \$20  = \$6 [2:0];
    end
    if (rst) begin
      \$20  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$21  = length;
    if (\$4 ) begin
      \$21  = \$7 ;
    end
    if (rst) begin
      \$21  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$22  = \$signal ;
    if (rst) begin
      \$22  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$23  = following_2;
    if (rst) begin
      \$23  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$24  = empty_2;
    if (rst) begin
      \$24  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$25  = \$9 ;
    if (rst) begin
      \$25  = 1'h1;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$26  = address;
    if (\$12 ) begin
      \$26  = \$13 [2:0];
      if (switch) begin
        \$26  = \$like ;
      end
    end
    if (rst) begin
      \$26  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$27  = left;
    if (\$12 ) begin
      \$27  = \$14 [1:0];
      if (switch) begin
        \$27  = length;
      end
    end
    if (rst) begin
      \$27  = 2'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$28  = last;
    if (\$12 ) begin
      \$28  = \$15 ;
      if (switch) begin
        \$28  = \$18 ;
      end
    end
    if (rst) begin
      \$28  = 1'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$13 ) begin end
    \$29  = \$signal$9 ;
    if (\$12 ) begin
      \$29  = \$17 ;
      if (switch) begin
        \$29  = 1'h1;
      end
    end
    if (rst) begin
      \$29  = 1'h0;
    end
  end
  assign w_rdy = request__ready;
  assign request__valid = w_en;
  assign request__payload = w_data;
  assign enable = \$signal$7 ;
  assign output_enable = advance_2;
  assign \$signal$18  = address;
  assign o__valid = valid_2;
  assign data = o__payload;
endmodule

module \hdlgen_tiny.weights.queue (rst, w_en, r_en, w_rdy, r_rdy, r_data, w_port__data, clk);
  reg \$auto$verilog_backend.cc:2355:dump_module$14 ;
  initial \$auto$verilog_backend.cc:2355:dump_module$14  = 0;
  wire \$1 ;
  wire \$10 ;
  wire \$11 ;
  wire \$12 ;
  wire \$13 ;
  wire [4:0] \$14 ;
  reg [2:0] \$15 ;
  reg [2:0] \$16 ;
  reg [3:0] \$17 ;
  wire [3:0] \$2 ;
  wire \$3 ;
  wire [3:0] \$4 ;
  wire \$5 ;
  wire \$6 ;
  wire \$7 ;
  wire \$8 ;
  wire [4:0] \$9 ;
  input clk;
  wire clk;
  (* init = 3'h0 *)
  wire [2:0] consume;
  reg [3:0] level = 4'h0;
  (* init = 3'h0 *)
  wire [2:0] produce;
  output r_data;
  wire r_data;
  input r_en;
  wire r_en;
  (* init = 4'h0 *)
  wire [3:0] r_level;
  reg [2:0] r_port__addr = 3'h0;
  wire r_port__data;
  output r_rdy;
  wire r_rdy;
  input rst;
  wire rst;
  wire w_data;
  input w_en;
  wire w_en;
  (* init = 4'h0 *)
  wire [3:0] w_level;
  reg [2:0] w_port__addr = 3'h0;
  input w_port__data;
  wire w_port__data;
  wire w_port__en;
  output w_rdy;
  wire w_rdy;
  reg [0:0] storage [7:0];
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
    if (w_port__en)
      storage[w_port__addr] <= w_port__data;
  end
  assign r_data = storage[r_port__addr];
  assign w_rdy = level != 4'h8;
  assign r_rdy = | level;
  assign w_port__en = w_en & w_rdy;
  assign \$1  = w_rdy & w_en;
  assign \$2  = w_port__addr + 1'h1;
  assign \$3  = r_rdy & r_en;
  assign \$4  = r_port__addr + 1'h1;
  assign \$5  = w_rdy & w_en;
  assign \$6  = r_rdy & r_en;
  assign \$7  = ~ \$6 ;
  assign \$8  = \$5  & \$7 ;
  assign \$9  = level + 1'h1;
  assign \$10  = r_rdy & r_en;
  assign \$11  = w_rdy & w_en;
  assign \$12  = ~ \$11 ;
  assign \$13  = \$10  & \$12 ;
  assign \$14  = level - 1'h1;
  always @(posedge clk)
    w_port__addr <= \$15 ;
  always @(posedge clk)
    r_port__addr <= \$16 ;
  always @(posedge clk)
    level <= \$17 ;
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$14 ) begin end
    \$15  = w_port__addr;
    if (\$1 ) begin
      \$15  = \$2 [2:0];
    end
    if (rst) begin
      \$15  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$14 ) begin end
    \$16  = r_port__addr;
    if (\$3 ) begin
      \$16  = \$4 [2:0];
    end
    if (rst) begin
      \$16  = 3'h0;
    end
  end
  always @* begin
    if (\$auto$verilog_backend.cc:2355:dump_module$14 ) begin end
    \$17  = level;
    if (\$8 ) begin
      \$17  = \$9 [3:0];
    end
    if (\$13 ) begin
      \$17  = \$14 [3:0];
    end
    if (rst) begin
      \$17  = 4'h0;
    end
  end
  assign w_level = level;
  assign r_level = level;
  assign produce = w_port__addr;
  assign w_data = w_port__data;
  assign consume = r_port__addr;
  assign r_port__data = r_data;
endmodule

module \hdlgen_tiny.weights.rom (data, output_enable, enable, address, clk);
  input [2:0] address;
  wire [2:0] address;
  input clk;
  wire clk;
  output [31:0] data;
  wire [31:0] data;
  input enable;
  wire enable;
  input output_enable;
  wire output_enable;
  hdlgen_tiny_weights part (
    .address(address),
    .clk(clk),
    .data(data),
    .enable(enable),
    .output_enable(output_enable)
  );
endmodule
