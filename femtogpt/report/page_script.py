"""The page's script: it zooms the charts, all to the same steps, and folds what is long.

Without it the page is whole: the charts are pictures, and everything is open.
"""

SCRIPT = r"""
'use strict';
(() => {
const SVG = document.querySelector('svg')?.namespaceURI;
const EDGE = {left: 46, right: 12, top: 12, bottom: 24};
const data = JSON.parse(document.getElementById('curve-data')?.textContent || 'null');
const folded = [...document.querySelectorAll('details')];
const fold = open => folded.forEach(part => part.open = open);
fold(false);
addEventListener('beforeprint', () => fold(true));
addEventListener('afterprint', () => fold(false));
if (!data) return;

const language = document.documentElement.lang;
const shown = (value, digits) => value.toLocaleString(language,
  {minimumFractionDigits: digits, maximumFractionDigits: digits,
    useGrouping: language === 'ru' ? 'min2' : true});
const make = (name, attributes, text) => {
  const part = document.createElementNS(SVG, name);
  for (const key in attributes) part.setAttribute(key, attributes[key]);
  if (text !== undefined) part.textContent = text;
  return part;
};
const place = value => Math.round(value * 10) / 10;

function ticks(low, high, count) {
  if (!(high > low)) return [low];
  const rough = (high - low) / count, power = 10 ** Math.floor(Math.log10(rough));
  const step = power * [1, 2, 5, 10].find(part => power * part >= rough * 0.999);
  const values = [];
  for (let n = Math.ceil(low / step); n <= high / step + 1e-9; n++) values.push(n * step || 0);
  return values;
}

// The index of the first step that is not below a value.
function search(steps, value) {
  let low = 0, high = steps.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (steps[middle] < value) low = middle + 1; else high = middle;
  }
  return low;
}

class Chart {
  constructor(figure, content) {
    this.svg = figure.querySelector('svg');
    this.legend = figure.querySelector('.legend');
    this.names = this.legend.innerHTML;
    Object.assign(this, content);
    const box = this.svg.viewBox.baseVal;
    this.height = box.height;
    this.width = this.printed = box.width;
    this.svg.tabIndex = 0;
    this.listen();
  }

  // Along with the step before and after, so that a line goes on to the edge.
  visible(curve) {
    const from = Math.max(0, search(curve.x, range[0]) - 1);
    return [from, Math.min(curve.x.length, search(curve.x, range[1]) + 2)];
  }

  vertical() {
    const values = [];
    for (const curve of this.curves)
      for (let n = 0; n < curve.x.length; n++)
        if (curve.x[n] >= range[0] && curve.x[n] <= range[1]) values.push(curve.y[n]);
    const whole = range[0] === full[0] && range[1] === full[1];
    if (whole || !values.length) for (const level of this.levels) values.push(level.value);
    if (!values.length) return [0, 1];
    let low = Infinity, high = -Infinity;
    for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
    const more = (high - low) * 0.05 || 0.5 * Math.max(1, Math.abs(high));
    return [low - more, high + more];
  }

  draw() {
    const {left, right, top, bottom} = EDGE, [x0, x1] = range, [y0, y1] = this.vertical();
    const x = step => place(left + (step - x0) / (x1 - x0) * (this.width - left - right));
    const y = value => place(this.height - bottom
      - (value - y0) / (y1 - y0) * (this.height - top - bottom));
    this.svg.setAttribute('viewBox', `0 0 ${this.width} ${this.height}`);
    const axes = make('g', {class: 'axes'}), field = make('g', {class: 'field'});
    const digits = Math.max(0, Math.min(6, 1 - Math.floor(Math.log10(y1 - y0))));
    for (const value of ticks(y0, y1, 4)) {
      axes.append(make('line', {x1: left, x2: this.width - right, y1: y(value), y2: y(value)}),
        make('text', {class: 'y', x: left - 6, y: y(value) + 4}, shown(value, digits)));
    }
    for (const step of ticks(x0, x1, Math.floor(this.width / 100)))
      if (Number.isInteger(step))
        axes.append(make('text', {class: 'x', x: x(step), y: this.height - 7}, shown(step, 0)));
    const clip = make('clipPath', {id: `clip-${charts.indexOf(this)}`});
    clip.append(make('rect', {x: left - 3, y: 0, width: this.width - left - right + 6,
      height: this.height - bottom + 3}));
    field.setAttribute('clip-path', `url(#${clip.id})`);
    for (const step of data.marks)
      field.append(make('line', {class: 'mark', x1: x(step), x2: x(step), y1: top,
        y2: this.height - bottom}));
    const levels = this.levels.filter(level => level.value >= y0 && level.value <= y1);
    for (const level of levels)
      field.append(make('line', {class: level.style, x1: left, x2: this.width - right,
        y1: y(level.value), y2: y(level.value)}));
    for (const curve of this.curves) {
      const [from, to] = this.visible(curve), places = [];
      for (let n = from; n < to; n++) places.push(`${x(curve.x[n])} ${y(curve.y[n])}`);
      if (!places.length) continue;
      field.append(make('path', {class: curve.style, d: `M${places.join('L')}h0`}));
      if (curve.style === data.spotted)
        field.append(make('path', {class: 'spots', d: places.map(at => `M${at}h0`).join('')}));
    }
    this.hair = make('line', {class: 'hair', y1: top, y2: this.height - bottom});
    this.drawn = make('rect', {class: 'drawn', y: top, height: this.height - top - bottom,
      x: 0, width: 0});
    this.svg.replaceChildren(clip, axes, field, this.hair, this.drawn);
    this.x = x;
  }

  step(event) {
    const box = this.svg.getBoundingClientRect();
    const at = (event.clientX - box.left) / box.width * this.width;
    const share = (at - EDGE.left) / (this.width - EDGE.left - EDGE.right);
    return range[0] + Math.max(0, Math.min(1, share)) * (range[1] - range[0]);
  }

  listen() {
    let start = null;
    this.svg.addEventListener('pointerdown', event => {
      if (event.button) return;
      start = this.step(event);
      this.svg.setPointerCapture(event.pointerId);
    });
    this.svg.addEventListener('pointermove', event => {
      const now = this.step(event);
      point(now);
      if (start === null) return;
      const [a, b] = [start, now].sort((one, other) => one - other).map(this.x);
      this.drawn.setAttribute('x', a);
      this.drawn.setAttribute('width', b - a);
    });
    this.svg.addEventListener('pointerup', event => {
      const began = start, ended = this.step(event);
      start = null;
      this.drawn.setAttribute('width', 0);
      if (began !== null && Math.abs(this.x(began) - this.x(ended)) > 5)
        zoom(Math.min(began, ended), Math.max(began, ended));
    });
    this.svg.addEventListener('pointercancel', () => {
      start = null;
      this.drawn.setAttribute('width', 0);
    });
    this.svg.addEventListener('pointerleave', () => point(null));
    this.svg.addEventListener('dblclick', () => zoom(...full));
    this.svg.addEventListener('wheel', event => {
      if (!event.ctrlKey && !event.metaKey) return;  // the page scrolls
      event.preventDefault();
      scale(event.deltaY > 0 ? 1.25 : 0.8, this.step(event));
    }, {passive: false});
    this.svg.addEventListener('keydown', event => {
      const part = (range[1] - range[0]) / 5;
      const keys = {'+': () => scale(0.7), '=': () => scale(0.7), '-': () => scale(1.4),
        ArrowLeft: () => move(-part), ArrowRight: () => move(part),
        0: () => zoom(...full), Escape: () => zoom(...full)};
      if (!keys[event.key] || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      keys[event.key]();
    });
  }

  // What the curves are at a step; null: their names alone.
  tell(step) {
    this.legend.innerHTML = this.names;
    if (step === null) { this.hair.removeAttribute('x1'); return; }
    this.hair.setAttribute('x1', this.x(step));
    this.hair.setAttribute('x2', this.x(step));
    const labels = this.legend.querySelectorAll('[data-curve]');
    this.curves.forEach((curve, number) => {
      let at = search(curve.x, step);
      if (at === curve.x.length || at && step - curve.x[at - 1] < curve.x[at] - step) at--;
      if (labels[number] && at >= 0) {
        const value = curve.y[at].toLocaleString(language, {maximumSignificantDigits: 4});
        labels[number].append(` ${value} (${data.step} ${shown(curve.x[at], 0)})`);
      }
    });
  }
}

const full = data.range;
let range = [...full];
const charts = [...document.querySelectorAll('.chart')].map(
  (figure, number) => new Chart(figure, data.charts[number]));
const point = step => charts.forEach(chart => chart.tell(step));

function zoom(from, to) {
  const least = Math.min(full[1] - full[0], 4);
  if (to - from < least) [from, to] = [(from + to - least) / 2, (from + to + least) / 2];
  const length = Math.min(to - from, full[1] - full[0]);
  from = Math.max(full[0], Math.min(from, full[1] - length));
  range = [from, from + length];
  charts.forEach(chart => chart.draw());
}
function scale(factor, around = (range[0] + range[1]) / 2) {
  zoom(around - (around - range[0]) * factor, around + (range[1] - around) * factor);
}
const move = by => zoom(range[0] + by, range[1] + by);
function fit(printed) {
  for (const chart of charts)
    chart.width = printed ? chart.printed : Math.max(260, chart.svg.clientWidth);
  charts.forEach(chart => chart.draw());
}
const tools = document.querySelector('.tools');
tools.hidden = false;
for (const [name, act] of [['in', () => scale(0.6)], ['out', () => scale(1.6)],
  ['reset', () => zoom(...full)]])
  tools.querySelector(`[name=${name}]`).addEventListener('click', act);
addEventListener('resize', () => fit(false));
addEventListener('beforeprint', () => fit(true));
addEventListener('afterprint', () => fit(false));
fit(false);
})();
"""
