// Plots as inline SVG. Curves differ by dashes and markers as well as by colour; the page's style sheet gives
// the colours, so that they follow light and dark.
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "report/html.h"

namespace verissim::report {

struct Curve {
  std::string name;
  std::vector<std::pair<double, std::optional<double>>> points;  // x ascending; no y: a gap
  bool markers = false;
  bool steps = false;  // a value holds until the next one
};

struct Plot {
  std::string title;
  std::string x_name;
  std::string y_name;
  std::vector<Curve> curves;  // at most 6 look different
  bool whole_x = false;       // x counts something
  bool from_zero = false;     // y starts at 0
};

// Whether there is anything to draw.
bool drawable(const Plot& plot);
// A figure with its legend. Draws nothing if there is nothing to draw.
void draw(Html& html, const Plot& plot);

struct Bars {
  std::string title;
  std::string y_name;
  std::vector<std::string> labels;                                                 // along x
  std::vector<std::pair<std::string, std::vector<std::optional<double>>>> groups;  // a name, a value a label
};

void draw(Html& html, const Bars& bars);

// Round numbers that cover [low, high], about `wanted` of them, at least two.
std::vector<double> ticks(double low, double high, int wanted, bool whole);

}  // namespace verissim::report
