"""Names of signals that any tool takes."""

import re

__all__ = ["ANONYMOUS", "CALLED", "Names"]

CALLED = {
    "$add": "sum",
    "$sub": "difference",
    "$neg": "negative",
    "$mul": "product",
    "$mux": "chosen",
    "$not": "inverse",
    "$and": "both",
    "$or": "either",
    "$xor": "odd",
    "$eq": "equal",
    "$ne": "differs",
    "$lt": "less",
    "$gt": "more",
    "$le": "at_most",
    "$ge": "at_least",
    "$memrd_v2": "word",
    "$reduce_and": "all",
    "$reduce_xor": "parity",
    "$shl": "shifted",
    "$shr": "shifted",
    "$sshr": "shifted",
    "$shift": "part",
}

_KEYWORDS = set(
    re.findall(
        r"\w+",
        """
        accept_on alias always always_comb always_ff always_latch and assert assign assume automatic before begin
        bind bins binsof bit break buf bufif0 bufif1 byte case casex casez cell chandle checker class clocking
        cmos config const constraint context continue cover covergroup coverpoint cross deassign default defparam
        design disable dist do edge else end endcase endchecker endclass endclocking endconfig endfunction
        endgenerate endgroup endinterface endmodule endpackage endprimitive endprogram endproperty endsequence
        endspecify endtable endtask enum event eventually expect export extends extern final first_match for force
        foreach forever fork forkjoin function generate genvar global highz0 highz1 if iff ifnone ignore_bins
        illegal_bins implements implies import incdir include initial inout input inside instance int integer
        interconnect interface intersect join join_any join_none large let liblist library local localparam logic
        longint macromodule matches medium modport module nand negedge nettype new nexttime nmos nor
        noshowcancelled not notif0 notif1 null or output package packed parameter pmos posedge primitive priority
        program property protected pull0 pull1 pulldown pullup pulsestyle_ondetect pulsestyle_onevent pure rand
        randc randcase randsequence rcmos real realtime ref reg reject_on release repeat restrict return rnmos
        rpmos rtran rtranif0 rtranif1 s_always s_eventually s_nexttime s_until s_until_with scalared sequence
        shortint shortreal showcancelled signed small soft solve specify specparam static string strong strong0
        strong1 struct super supply0 supply1 sync_accept_on sync_reject_on table tagged task this throughout time
        timeprecision timeunit tran tranif0 tranif1 tri tri0 tri1 triand trior trireg type typedef union unique
        unique0 unsigned until until_with untyped use uwire var vectored virtual void wait wait_order wand weak
        weak0 weak1 while wildcard wire with within wor xnor xor
        """,
    )
)
"""Of SystemVerilog, as which the files may be read: a signal must not be called so."""

ANONYMOUS = re.compile(r"^\\?(\$|port\$|signal\$|$)")


class Names:
    """Names that stand once in a module."""

    def __init__(self) -> None:
        self.taken: set[str] = set()

    def new(self, wanted: str) -> str:
        plain = re.sub(r"\W+", "_", re.sub(r"\$\d.*", "", wanted.removeprefix("\\")), flags=re.ASCII).strip("_")
        if not plain or plain[0].isdigit():
            plain = f"value_{plain}".rstrip("_")
        plain += "_" * (plain in _KEYWORDS)
        name, number = plain, 1
        while name in self.taken:
            number += 1
            name = f"{plain}_{number}"
        self.taken.add(name)
        return name
