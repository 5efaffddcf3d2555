"""How the report looks: type first, light or dark as the reader's system is, light in print."""

STYLE = """
:root {
  color-scheme: light dark;
  --paper: #fdfcf9; --ink: #23211c; --soft: #6f6a5f; --hair: #dfdad0; --tint: #f3efe6;
  --main: #1f5a96; --pale: #a9c4de; --held: #b3471d; --level: #7b6f2c; --second: #6a4c8c;
  --mark: #fbe3a8;
  --serif: Charter, "Bitstream Charter", "PT Serif", "Noto Serif", Georgia, "DejaVu Serif", serif;
  --sans: "Inter", "PT Sans", "Noto Sans", system-ui, "Segoe UI", Roboto, Arial, sans-serif;
}
@media (prefers-color-scheme: dark) {
  :root {
    --paper: #17181a; --ink: #e4e0d8; --soft: #9b968b; --hair: #35363a; --tint: #212327;
    --main: #7db0e4; --pale: #3b5571; --held: #ec8a5c; --level: #c9b765; --second: #b89be0;
    --mark: #5c4a17;
  }
}
* { box-sizing: border-box }
html { -webkit-text-size-adjust: 100% }
body { margin: 0 auto; padding: 3.5rem 1.25rem 5rem; max-width: 60rem; background: var(--paper);
  color: var(--ink); font: 17px/1.55 var(--serif); overflow-wrap: anywhere;
  font-variant-numeric: lining-nums }
h1, h2, h3 { font-weight: 600; line-height: 1.2; text-wrap: balance }
h1 { margin: .3rem 0 1.2rem; font-size: 2.5rem; letter-spacing: -.01em }
h2 { margin: 4rem 0 1.1rem; padding-top: 1.1rem; border-top: 1px solid var(--ink);
  font-size: 1.5rem }
h3 { margin: 2.2rem 0 .6rem; font-size: 1.1rem }
p { margin: 0 0 .9rem; max-width: 41rem; text-wrap: pretty }
a { color: inherit; text-decoration-color: var(--hair); text-underline-offset: .2em }
a:hover { text-decoration-color: var(--main) }
.over, nav, .note, .figures span, table, dl, figcaption, .legend, svg text, summary, .tools {
  font-family: var(--sans) }
.over { margin: 0; color: var(--soft); font-size: .8rem; letter-spacing: .04em }
.lead { font-size: 1.3rem; line-height: 1.45; max-width: 44rem }
nav { margin: 2rem 0 0; font-size: .85rem; line-height: 2 }
nav a { margin-right: 1.3em; white-space: nowrap }
.note { color: var(--soft); font-size: .82rem; line-height: 1.5 }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr));
  gap: 1.2rem 1.6rem; margin: 2.2rem 0 0 }
.figures b { display: block; font-weight: 600; font-size: 1.75rem; line-height: 1.15;
  letter-spacing: -.01em; white-space: nowrap }
.figures b small { font-size: .6em; font-weight: 400; color: var(--soft) }
.figures span { color: var(--soft); font-size: .8rem; line-height: 1.35; display: block;
  margin-top: .25rem }
.wide { overflow-x: auto; margin: 0 0 1.1rem }
table { border-collapse: collapse; width: 100%; font-size: .82rem; line-height: 1.4;
  overflow-wrap: normal }
th { color: var(--soft); font-weight: 500; vertical-align: bottom; text-align: left;
  border-bottom: 1px solid var(--soft) }
td { vertical-align: top; border-bottom: 1px solid var(--hair); unicode-bidi: isolate;
  overflow-wrap: break-word }
th, td { padding: .38rem 1rem .38rem 0; min-width: 3.4rem }
th:last-child, td:last-child { padding-right: 0 }
th:first-child, td:first-child { min-width: 8rem }
.n { text-align: right; font-variant-numeric: lining-nums tabular-nums }
tr.group td { padding-top: 1.1rem; color: var(--soft); border-bottom-color: var(--soft) }
td.range { width: 34%; min-width: 9rem; padding-top: .5rem }
td.n { white-space: nowrap; overflow-wrap: normal }
.ends { display: flex; justify-content: space-between }
.digest { overflow-wrap: anywhere }
code, .digest { font: .86em/1.4 ui-monospace, "SF Mono", "DejaVu Sans Mono", Menlo, monospace }
dl { display: grid; grid-template-columns: minmax(9rem, max-content) 1fr; gap: .35rem 1.4rem;
  margin: 0 0 1.1rem; font-size: .85rem; line-height: 1.45 }
dt { color: var(--soft) } dd { margin: 0 }
details { margin: 0 0 1.1rem }
summary { cursor: pointer; padding: .35rem 0; font-size: .85rem; color: var(--main) }
.texts { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(16.5rem, 100%), 1fr));
  gap: 1.8rem 2.2rem; margin: 0 0 1.5rem }
.texts h4 { margin: 0 0 .4rem; font: 500 .8rem var(--sans); color: var(--soft) }
.written { white-space: pre-wrap; font-size: .95rem; line-height: 1.5; unicode-bidi: isolate }
.prompt { color: var(--soft); font-style: italic }
.story { max-width: 41rem; margin: 0 0 2rem; padding-left: 1.2rem;
  border-left: 2px solid var(--hair) }
mark { background: var(--mark); color: inherit; border-radius: 2px }
.pieces { line-height: 1.9; max-width: 44rem; white-space: pre-wrap }
.pieces i { font-style: normal; background: var(--tint); border-radius: 3px; padding: .1em 0 }
.pieces i:nth-child(even) { background: var(--hair) }
figure { margin: 0 0 2rem; position: relative }
figcaption { font-size: .95rem; font-weight: 600; line-height: 1.3 }
figcaption small { font-weight: 400; color: var(--soft); font-size: .8rem; margin-left: .6em }
.legend { display: flex; flex-wrap: wrap; gap: .1rem 1.2rem; margin: .3rem 0 .1rem;
  font-size: .78rem; color: var(--soft); min-height: 1.4em }
.legend i { display: inline-block; width: 1.3em; height: 0; margin-right: .45em;
  vertical-align: middle; border-top: 2px solid }
.legend .thin { border-color: var(--pale) } .legend .main { border-color: var(--main) }
.legend .held { border-color: var(--held); border-top-width: 3px }
.legend .second, .legend .ppmd { border-color: var(--second) }
.legend .ngram { border-color: var(--level) } .legend .level { border-top-width: 1.5px }
.legend .final { border-color: var(--held); border-top-style: dotted }
.legend .entropy { border-color: var(--ink); border-top-style: dashed }
.charts { display: grid; grid-template-columns: 1fr 1fr; gap: 0 2rem }
.charts figure:nth-child(-n+2) { grid-column: 1 / -1 }
svg { display: block; width: 100%; height: auto; overflow: visible }
svg text { font-size: 11.5px; fill: var(--soft); font-variant-numeric: lining-nums tabular-nums }
svg .y { text-anchor: end } svg .x { text-anchor: middle }
svg .axes line { stroke: var(--hair) }
svg path, svg line { fill: none; vector-effect: non-scaling-stroke }
svg path { stroke-linejoin: round; stroke-linecap: round; stroke-width: 1.6 }
svg .thin { stroke: var(--pale); stroke-width: 1 } svg .main { stroke: var(--main) }
svg .second { stroke: var(--second) }
svg .held { stroke: var(--held) } svg .spots { stroke: var(--held); stroke-width: 5 }
svg line.ngram { stroke: var(--level) } svg line.ppmd { stroke: var(--second) }
svg line.final { stroke: var(--held); stroke-dasharray: 1.5 3 }
svg line.entropy { stroke: var(--ink); stroke-dasharray: 5 3 }
svg line.mark { stroke: var(--soft); stroke-dasharray: 2 3 }
.chart svg { cursor: crosshair; touch-action: pan-y; user-select: none; outline: none }
.chart svg:focus-visible { outline: 1px solid var(--main); outline-offset: 4px }
svg .hair { stroke: var(--soft); display: none } svg .hair[x1] { display: inline }
svg .drawn { fill: var(--main); fill-opacity: .13 }
.tools { margin: 0 0 1.2rem; font-size: .82rem; color: var(--soft); display: flex; gap: .5rem;
  flex-wrap: wrap; align-items: center }
[hidden] { display: none !important }
.tools button { font: inherit; color: inherit; background: none; border: 1px solid var(--hair);
  border-radius: 4px; padding: .15rem .7rem; cursor: pointer }
.tools button:hover { border-color: var(--soft) }
.bar { display: block; width: 100%; height: .8rem }
.bar .main { fill: var(--main) } .bar .held { fill: var(--held) } .bar .rest { fill: var(--hair) }
.range svg { height: 1rem; overflow: visible }
.range .scale { stroke: var(--hair) } .range .span { stroke: var(--main); stroke-width: 2 }
.range .dot { stroke: var(--main); stroke-width: 8; stroke-linecap: round }
.range .ngram { stroke: var(--level); stroke-width: 2 }
.range .ppmd { stroke: var(--second); stroke-width: 2 }
.sign { display: inline-block; height: .8em; margin-right: .4em; border-left: 2px solid;
  vertical-align: -.05em }
.sign.ngram { color: var(--level) } .sign.ppmd { color: var(--second) }
.sign.model { height: 0; border: 4px solid var(--main); border-radius: 50%;
  vertical-align: .05em }
footer { margin-top: 4rem; padding-top: 1rem; border-top: 1px solid var(--hair) }
@media (max-width: 40rem) {
  body { padding: 1.6rem 1rem 3rem; font-size: 16px }
  h1 { font-size: 1.9rem } .lead { font-size: 1.12rem } h2 { margin-top: 3rem }
  .charts { grid-template-columns: 1fr }
  .figures { grid-template-columns: 1fr 1fr } .figures b { font-size: 1.45rem }
  td.range, th.range { display: none }
  dl { grid-template-columns: 1fr; gap: 0 } dd { margin-bottom: .55rem }
}
@page { size: A4; margin: 17mm 16mm 18mm }
@media print {
  :root { color-scheme: light; --paper: #fff; --ink: #000; --soft: #55524b; --hair: #cfcac0;
    --tint: #f1eee7; --main: #1f5a96; --pale: #a9c4de; --held: #b3471d; --level: #7b6f2c;
    --second: #6a4c8c; --mark: #fbe3a8 }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact }
  body { max-width: none; padding: 0; font-size: 10.5pt }
  h1 { font-size: 24pt } h2 { margin-top: 2.2rem } h2, h3, h4, figcaption, summary {
    break-after: avoid }
  nav, .tools { display: none }
  summary { list-style: none; color: var(--soft) }
  details::details-content { content-visibility: visible; block-size: auto }
  .wide { overflow: visible }
  table { font-size: 8.5pt } thead { display: table-header-group }
  tr, figure, .figures div, .texts > div { break-inside: avoid }
  p { orphans: 3; widows: 3 }
  th, td, th:first-child, td:first-child { min-width: 0; padding: .22rem .6rem .22rem 0 }
  td:not(.n) { overflow-wrap: anywhere }
  td.range { min-width: 6rem }
  .figures { grid-template-columns: repeat(5, auto); gap: 1rem } .figures b { font-size: 15pt }
  .texts { display: block; columns: 2; column-gap: 2rem }
  .texts > div { margin-bottom: 1.2rem }
}
"""
