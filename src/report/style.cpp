#include "report/style.h"

namespace verissim::report {

const char* const kStyle = R"css(
:root {
  color-scheme: light dark;
  --page: #ffffff; --panel: #f3f5f8; --text: #1b1f24; --quiet: #4d5661; --line: #c3c9d1; --link: #0b4f9e;
  --good: #0f6b3a; --bad: #a4262c; --open: #7a4b00;
  --s1: #0b5cad; --s2: #b34700; --s3: #107246; --s4: #8a2f8f; --s5: #7a5c00; --s6: #475569;
}
@media (prefers-color-scheme: dark) {
  :root {
    --page: #14171b; --panel: #1f242b; --text: #e8ebef; --quiet: #b3bcc7; --line: #46505c; --link: #8cc0ff;
    --good: #63d296; --bad: #ff9a94; --open: #f2bd5c;
    --s1: #6db3ff; --s2: #ffa25e; --s3: #62d19a; --s4: #e59be8; --s5: #e3c45a; --s6: #aab7c6;
  }
}
@media print {
  :root {
    color-scheme: light;
    --page: #ffffff; --panel: #ffffff; --text: #000000; --quiet: #333333; --line: #999999; --link: #000000;
    --good: #0f6b3a; --bad: #a4262c; --open: #7a4b00;
    --s1: #0b5cad; --s2: #b34700; --s3: #107246; --s4: #8a2f8f; --s5: #7a5c00; --s6: #475569;
  }
}
@page { margin: 15mm; }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; }
body { margin: 0; background: var(--page); color: var(--text); font: 16px/1.5 system-ui, sans-serif; }
main, header, footer { max-width: 64rem; margin: 0 auto; padding: 0 1rem; }
h1 { font-size: 1.25rem; margin: 1.25rem 0 .25rem; }
h2 { font-size: 1.25rem; margin: 2.25rem 0 .5rem; border-bottom: 1px solid var(--line); padding-bottom: .2rem; }
h3 { font-size: 1.05rem; margin: 1.5rem 0 .4rem; }
p, dl, figure, ul { margin: .5rem 0; }
a { color: var(--link); }
.verdict { font-size: 1.35rem; line-height: 1.35; font-weight: 600; border-left: .4rem solid var(--open);
  padding: .3rem 0 .3rem .8rem; margin: .6rem 0; overflow-wrap: anywhere; }
.verdict.robust { border-color: var(--good); }
.verdict.refuted { border-color: var(--bad); }
.good { color: var(--good); } .bad { color: var(--bad); } .open { color: var(--open); }
.quiet, figcaption, caption { color: var(--quiet); font-size: .9rem; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .6rem; }
.facts > div { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .5rem .7rem; }
.facts dt { color: var(--quiet); font-size: .85rem; } .facts dd { margin: 0; font-weight: 600; overflow-wrap: anywhere; }
.pixels { image-rendering: pixelated; image-rendering: crisp-edges; image-rendering: pixelated;
  border: 1px solid var(--line); max-width: 100%; display: block; box-sizing: content-box; }
.row { display: grid; grid-template-columns: repeat(auto-fill, minmax(162px, 1fr)); gap: .8rem; }
.row figure { margin: 0; min-width: 0; }
.graphs { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 22rem), 1fr)); gap: 1rem; }
.graph { margin: 0; min-width: 0; } .graph figcaption { color: var(--text); font-weight: 600; }
.plot { width: 100%; height: auto; max-width: 34rem; display: block; }
.plot text { fill: var(--quiet); font: 12px system-ui, sans-serif; }
.grid { stroke: var(--line); stroke-width: .7; } .axis { stroke: var(--quiet); }
.curve { fill: none; stroke-width: 2; stroke-linejoin: round; }
.c1 { stroke: var(--s1); } .c2 { stroke: var(--s2); stroke-dasharray: 7 3; } .c3 { stroke: var(--s3); stroke-dasharray: 2 3; }
.c4 { stroke: var(--s4); stroke-dasharray: 9 3 2 3; } .c5 { stroke: var(--s5); stroke-dasharray: 12 4; } .c6 { stroke: var(--s6); stroke-dasharray: 4 4; }
.m1, .b1 { fill: var(--s1); } .m2, .b2 { fill: var(--s2); } .m3, .b3 { fill: var(--s3); }
.m4, .b4 { fill: var(--s4); } .m5, .b5 { fill: var(--s5); } .m6, .b6 { fill: var(--s6); }
.legend { list-style: none; padding: 0; display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .9rem; }
.legend svg { margin-right: .4rem; vertical-align: middle; }
.scroll { overflow-x: auto; margin: 1rem 0; }
table { border-collapse: collapse; min-width: min(100%, 30rem); font-size: .9rem; font-variant-numeric: tabular-nums; }
th, td { text-align: left; padding: .25rem .7rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
td.n, th.n { text-align: right; } td.n { white-space: nowrap; }
td.long { overflow-wrap: anywhere; min-width: 9rem; }
caption { max-width: calc(100vw - 2rem); text-align: left; padding-bottom: .3rem; }
pre { background: var(--panel); border: 1px solid var(--line); border-radius: .4rem; padding: .6rem .8rem;
  white-space: pre-wrap; overflow-wrap: anywhere; font-size: .85rem; margin: .5rem 0; }
code, .code { font-family: ui-monospace, monospace; font-size: .9em; overflow-wrap: anywhere; }
footer { color: var(--quiet); font-size: .85rem; padding-top: 1.5rem; padding-bottom: 2rem; }
@media print {
  body { font-size: 10pt; }
  main, header, footer { max-width: none; padding: 0; }
  figure, tr, .panel, .item { break-inside: avoid; }
  h2, h3 { break-after: avoid; }
  .row { grid-template-columns: repeat(4, 1fr); gap: .4rem; }
  .graphs { grid-template-columns: 1fr 1fr; }
  .scroll { overflow: visible; }
  table { font-size: 7.5pt; }
  th, td { padding: .15rem .4rem .15rem 0; overflow-wrap: break-word; }
  td.n { white-space: normal; }
}
)css";

}  // namespace verissim::report
