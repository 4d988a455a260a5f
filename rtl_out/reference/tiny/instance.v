// To be copied. Written by hdlgen; docs/interface.md of hdlgen says what the ports mean.

wire clk;  // input of hdlgen_tiny
wire rst;  // input of hdlgen_tiny
wire [7:0] s_axis_tdata;  // input of hdlgen_tiny
wire s_axis_tvalid;  // input of hdlgen_tiny
wire s_axis_tready;  // output of hdlgen_tiny
wire s_axis_tlast;  // input of hdlgen_tiny
wire [31:0] m_axis_tdata;  // output of hdlgen_tiny
wire m_axis_tvalid;  // output of hdlgen_tiny
wire m_axis_tready;  // input of hdlgen_tiny
wire m_axis_tlast;  // output of hdlgen_tiny
wire frame_error;  // output of hdlgen_tiny

hdlgen_tiny core (
    .clk           (clk),
    .rst           (rst),
    .s_axis_tdata  (s_axis_tdata),
    .s_axis_tvalid (s_axis_tvalid),
    .s_axis_tready (s_axis_tready),
    .s_axis_tlast  (s_axis_tlast),
    .m_axis_tdata  (m_axis_tdata),
    .m_axis_tvalid (m_axis_tvalid),
    .m_axis_tready (m_axis_tready),
    .m_axis_tlast  (m_axis_tlast),
    .frame_error   (frame_error)
);
