// A sparkline as an SVG element.

import { draw, mark } from "./dom.js";
import { sparkline } from "./spark.js";

export class Spark {
  #width;
  #height;
  #area = draw("path", { class: "spark-area" });
  #line = draw("path", { class: "spark-line" });
  #dot = draw("circle", { class: "spark-dot", r: 2.25 });

  constructor(width, height) {
    this.#width = width;
    this.#height = height;
    const box = { viewBox: `0 0 ${width} ${height}`, class: "spark", "aria-hidden": "true" };
    this.element = draw("svg", box, this.#area, this.#line, this.#dot);
  }

  /** Draw [time, number] pairs. */
  update(points, kind) {
    const paths = sparkline(points, this.#width, this.#height, { fromZero: kind === "count" });
    mark(this.#area, "d", paths === null || points.length < 2 ? null : paths.area);
    mark(this.#line, "d", paths === null ? null : paths.line);
    mark(this.#dot, "cx", paths === null ? -9 : paths.x);
    mark(this.#dot, "cy", paths === null ? -9 : paths.y);
  }
}
