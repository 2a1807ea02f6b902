#include "report/plot.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "report/words.h"

namespace verissim::report {
namespace {

constexpr double kWidth = 420;
constexpr double kHeight = 250;
constexpr double kLeft = 78;  // eight digits, and the name beside them
constexpr double kRight = 12;
constexpr double kTop = 12;
constexpr double kBottom = 46;

struct Axis {
  std::vector<double> marks;
  double from = 0;  // place of the first mark
  double to = 1;    // of the last

  double place(double value) const {
    return from + (to - from) * (value - marks.front()) / (marks.back() - marks.front());
  }
};

struct Span {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();

  void add(double value) {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const { return low > high; }
};

std::string at(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string curve_class(size_t index) { return "curve c" + std::to_string(index % 6 + 1); }

void put_text(Html& html, double x, double y, const char* anchor, const std::string& text) {
  html.element("text", text, {{"x", at(x)}, {"y", at(y)}, {"text-anchor", anchor}});
}

void draw_y_axis(Html& html, const Axis& y, const std::string& name) {
  for (const double mark : y.marks) {
    html.element("line", "",
                 {{"class", "grid"},
                  {"x1", at(kLeft)},
                  {"x2", at(kWidth - kRight)},
                  {"y1", at(y.place(mark))},
                  {"y2", at(y.place(mark))}});
    put_text(html, kLeft - 6, y.place(mark) + 4, "end", number(mark));
  }
  html.element("text", name,
               {{"transform", "translate(13 " + at((kTop + kHeight - kBottom) / 2) + ") rotate(-90)"},
                {"text-anchor", "middle"}});
}

void draw_x_axis(Html& html, const Axis& x, const std::string& name) {
  const double floor = kHeight - kBottom;
  for (const double mark : x.marks) {
    html.element("line", "",
                 {{"class", "axis"},
                  {"x1", at(x.place(mark))},
                  {"x2", at(x.place(mark))},
                  {"y1", at(floor)},
                  {"y2", at(floor + 4)}});
    put_text(html, x.place(mark), floor + 18, "middle", number(mark));
  }
  put_text(html, (kLeft + kWidth - kRight) / 2, kHeight - 8, "middle", name);
}

std::string path_of(const Curve& curve, const Axis& x, const Axis& y) {
  std::string path;
  bool pen_down = false;
  for (const auto& [px, py] : curve.points) {
    if (!py) {
      pen_down = false;
      continue;
    }
    if (pen_down && curve.steps) path += "H" + at(x.place(px));
    path += (pen_down ? "L" : "M") + at(x.place(px)) + " " + at(y.place(*py));
    pen_down = true;
  }
  return path;
}

void draw_marker(Html& html, size_t index, double x, double y) {
  const std::string name = "mark m" + std::to_string(index % 6 + 1);
  if (index % 2 == 0) {
    html.element("circle", "", {{"class", name}, {"cx", at(x)}, {"cy", at(y)}, {"r", "3.5"}});
  } else {
    html.element(
        "rect", "",
        {{"class", name}, {"x", at(x - 3.2)}, {"y", at(y - 3.2)}, {"width", "6.4"}, {"height", "6.4"}});
  }
}

void draw_curve(Html& html, const Curve& curve, size_t index, const Axis& x, const Axis& y) {
  const std::string path = path_of(curve, x, y);
  if (path.empty()) return;
  html.element("path", "", {{"class", curve_class(index)}, {"d", path}});
  const auto known =
      std::count_if(curve.points.begin(), curve.points.end(), [](auto& p) { return p.second; });
  if (!curve.markers && known > 1) return;
  for (const auto& [px, py] : curve.points) {
    if (py) draw_marker(html, index, x.place(px), y.place(*py));
  }
}

void draw_legend(Html& html, const std::vector<std::string>& names, bool bars) {
  if (names.size() < 2) return;
  const auto list = html.in("ul", {{"class", "legend"}});
  for (size_t i = 0; i < names.size(); ++i) {
    const auto item = html.in("li");
    {
      const auto svg = html.in(
          "svg", {{"viewBox", "0 0 28 12"}, {"width", "28"}, {"height", "12"}, {"aria-hidden", "true"}});
      if (bars) {
        html.element("rect", "",
                     {{"class", "bar b" + std::to_string(i % 6 + 1)},
                      {"x", "8"},
                      {"y", "0"},
                      {"width", "12"},
                      {"height", "12"}});
      } else {
        html.element("path", "", {{"class", curve_class(i)}, {"d", "M0 6L28 6"}});
        draw_marker(html, i, 14, 6);
      }
    }
    html.text(names[i]);
  }
}

// "bound: from -3.2 to 0.014"
std::string in_words(const Curve& curve) {
  std::optional<double> first;
  std::optional<double> last;
  for (const auto& [x, y] : curve.points) {
    if (!y) continue;
    if (!first) first = y;
    last = y;
  }
  if (!first) return curve.name + ": nothing known";
  return curve.name + ": from " + number(first) + " to " + number(last);
}

template <typename Items, typename Words>
std::string joined(const Items& items, Words words) {
  std::string text;
  for (const auto& item : items) text += (text.empty() ? "" : "; ") + words(item);
  return text + ".";
}

Html::Scope start_drawing(Html& html, const std::string& title, const std::string& words) {
  return html.in("svg", {{"class", "plot"},
                         {"viewBox", "0 0 " + at(kWidth) + " " + at(kHeight)},
                         {"role", "img"},
                         {"aria-label", title + ". " + words}});
}

Axis make_axis(const Span& span, int wanted, bool whole, double from, double to) {
  return {ticks(span.low, span.high, wanted, whole), from, to};
}

void draw_bar(Html& html, size_t group, double left, double width, double from, double to) {
  html.element("rect", "",
               {{"class", "bar b" + std::to_string(group % 6 + 1)},
                {"x", at(left)},
                {"y", at(std::min(from, to))},
                {"width", at(width)},
                {"height", at(std::max(0.5, std::abs(from - to)))}});
}

void draw_bar_groups(Html& html, const Bars& bars, const Axis& y) {
  const double step = (kWidth - kLeft - kRight) / static_cast<double>(bars.labels.size());
  const double width = 0.8 * step / static_cast<double>(bars.groups.size());
  const size_t every = (bars.labels.size() + 11) / 12;  // labels that fit
  for (size_t i = 0; i < bars.labels.size(); ++i) {
    const double left = kLeft + step * (static_cast<double>(i) + 0.1);
    for (size_t g = 0; g < bars.groups.size(); ++g) {
      const auto& values = bars.groups[g].second;
      if (i >= values.size() || !values[i]) continue;
      draw_bar(html, g, left + width * static_cast<double>(g), width, y.place(0), y.place(*values[i]));
    }
    if (i % every == 0) put_text(html, left + 0.4 * step, kHeight - kBottom + 18, "middle", bars.labels[i]);
  }
}

}  // namespace

std::vector<double> ticks(double low, double high, int wanted, bool whole) {
  if (!(high > low)) {
    const double around = low == 0 ? 1 : std::abs(low) * 0.1;
    low -= whole ? 0 : around;
    high += whole ? 1 : around;
  }
  const double rough = (high - low) / wanted;
  const double power = std::pow(10.0, std::floor(std::log10(rough)));
  double step = 10 * power;
  for (const double factor : {1.0, 2.0, 5.0}) {
    if (factor * power >= rough * 0.999) {
      step = factor * power;
      break;
    }
  }
  if (whole) step = std::max(1.0, std::round(step));
  std::vector<double> result;
  const double first = std::floor(low / step + 1e-9);
  for (int i = 0; i < 50; ++i) {
    const double mark = (first + i) * step;
    result.push_back(std::abs(mark) < step * 1e-6 ? 0.0 : mark);
    if (i > 0 && mark >= high - step * 1e-9) break;
  }
  return result;
}

bool drawable(const Plot& plot) {
  for (const Curve& curve : plot.curves) {
    for (const auto& [x, y] : curve.points) {
      if (y && std::isfinite(x) && std::isfinite(*y)) return true;
    }
  }
  return false;
}

void draw(Html& html, const Plot& plot) {
  if (!drawable(plot)) return;
  Span along;
  Span up;
  if (plot.from_zero) up.add(0);
  for (const Curve& curve : plot.curves) {
    for (const auto& [x, y] : curve.points) {
      along.add(x);
      if (y) up.add(*y);
    }
  }
  const Axis x = make_axis(along, 5, plot.whole_x, kLeft, kWidth - kRight);
  const Axis y = make_axis(up, 5, false, kHeight - kBottom, kTop);
  const auto figure = html.in("figure", {{"class", "graph"}});
  html.element("figcaption", plot.title);
  {
    const auto svg = start_drawing(html, plot.title, joined(plot.curves, in_words));
    draw_y_axis(html, y, plot.y_name);
    draw_x_axis(html, x, plot.x_name);
    for (size_t i = 0; i < plot.curves.size(); ++i) draw_curve(html, plot.curves[i], i, x, y);
  }
  std::vector<std::string> names;
  for (const Curve& curve : plot.curves) names.push_back(curve.name);
  draw_legend(html, names, false);
}

void draw(Html& html, const Bars& bars) {
  Span up;
  up.add(0);
  for (const auto& [name, values] : bars.groups) {
    for (const auto& value : values) {
      if (value) up.add(*value);
    }
  }
  if (bars.labels.empty() || bars.groups.empty() || (up.low == 0 && up.high == 0)) return;
  const Axis y = make_axis(up, 5, false, kHeight - kBottom, kTop);
  const auto figure = html.in("figure", {{"class", "graph"}});
  html.element("figcaption", bars.title);
  std::vector<std::string> names;
  for (const auto& [name, values] : bars.groups) names.push_back(name);
  {
    const auto svg = start_drawing(html, bars.title, "The table has the numbers.");
    draw_y_axis(html, y, bars.y_name);
    draw_bar_groups(html, bars, y);
  }
  draw_legend(html, names, true);
}

}  // namespace verissim::report
