#include <algorithm>

#include "base/error.h"
#include "base/version.h"
#include "report/frame.h"
#include "report/page.h"
#include "report/plot.h"
#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

constexpr size_t kMostCurves = 6;  // that can be told apart

Number total_seconds(const Run& run) { return run.times.empty() ? Number() : run.times.back().second; }

Number subproblems(const Run& run) {
  double sum = 0.0;
  for (const RoundFacts& round : run.rounds) sum += round.search.subproblems.value_or(0.0);
  if (run.final_network) sum += run.final_network->search.subproblems.value_or(0.0);
  return sum;
}

size_t repairs(const Run& run) {
  return static_cast<size_t>(
      std::count_if(run.rounds.begin(), run.rounds.end(), [](auto& round) { return round.repair; }));
}

std::string verdict(const Run& run) {
  return run.verdict == "robust" ? run.verdict : run.verdict + ": " + run.reason;
}

// "3 of 8" references.
std::string proved(const Run& run) {
  const auto robust = std::count_if(run.references.begin(), run.references.end(),
                                    [](const ReferenceFacts& each) { return each.verdict == "robust"; });
  return std::to_string(robust) + " of " + std::to_string(run.references.size());
}

void list(Html& html, std::span<const Run> runs) {
  const bool several =
      std::any_of(runs.begin(), runs.end(), [](const Run& run) { return run.has_several(); });
  std::vector<Column> columns = {{"run"},
                                 {"folder", Cells::kLong},
                                 {"verdict", Cells::kText},
                                 {"limit", Cells::kText},
                                 {"margin"},
                                 {"ReLUs"},
                                 {"repairs"},
                                 {"accuracy before"},
                                 {"accuracy after"},
                                 {"subproblems"},
                                 {"time"}};
  if (several) columns.insert(columns.begin() + 3, Column{"references proved"});
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < runs.size(); ++i) {
    const Run& run = runs[i];
    rows.push_back({std::to_string(i + 1), run.name, verdict(run), run.measure + " " + run.threshold,
                    number(run.margin_bound), whole(run.relus), std::to_string(repairs(run)),
                    percent(run.accuracy_before), percent(run.accuracy_after), whole(subproblems(run)),
                    seconds(total_seconds(run))});
    if (several) rows.back().insert(rows.back().begin() + 3, run.references.empty() ? kNothing : proved(run));
  }
  table(html, "The runs; plots name them by their numbers", columns, rows);
}

// The settings in which not all runs agree.
void differing_settings(Html& html, std::span<const Run> runs) {
  std::vector<std::string> names;
  for (const Run& run : runs) {
    for (const auto& [name, value] : run.settings) {
      if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
    }
  }
  std::vector<Column> columns = {{"setting", Cells::kText}};
  for (size_t i = 0; i < runs.size(); ++i) columns.push_back({"run " + std::to_string(i + 1), Cells::kLong});
  std::vector<std::vector<std::string>> rows;
  for (const std::string& name : names) {
    std::vector<std::string> cells = {name};
    for (const Run& run : runs) {
      const auto found = std::find_if(run.settings.begin(), run.settings.end(),
                                      [&](const auto& pair) { return pair.first == name; });
      cells.push_back(found == run.settings.end() ? kNothing : found->second);
    }
    const bool equal =
        std::all_of(cells.begin() + 2, cells.end(), [&](auto& cell) { return cell == cells[1]; });
    if (!equal) rows.push_back(std::move(cells));
  }
  if (rows.empty()) html.element("p", "All settings are the same.");
  table(html, "Settings in which the runs differ", columns, rows);
}

std::vector<std::string> numbers_of(std::span<const Run> runs) {
  std::vector<std::string> labels;
  for (size_t i = 0; i < runs.size(); ++i) labels.push_back(std::to_string(i + 1));
  return labels;
}

template <typename Value>
std::vector<Number> of_all(std::span<const Run> runs, Value value) {
  std::vector<Number> result;
  for (const Run& run : runs) result.push_back(value(run));
  return result;
}

Number time_for(const Run& run, const char* part) {
  for (const auto& [name, value] : run.times) {
    if (name == part) return value;
  }
  return std::nullopt;
}

Number in_percent(Number share) { return share ? Number(100 * *share) : share; }

Plot over_rounds(const char* title, const char* y_name, std::span<const Run> runs,
                 Number (*value)(const RoundFacts&)) {
  Plot plot{title, "round", y_name, {}};
  plot.whole_x = true;
  for (size_t i = 0; i < std::min(runs.size(), kMostCurves); ++i) {
    Curve curve{"run " + std::to_string(i + 1), {}};
    curve.markers = true;
    for (const RoundFacts& round : runs[i].rounds) {
      if (round.number) curve.points.emplace_back(*round.number, value(round));
    }
    plot.curves.push_back(std::move(curve));
  }
  return plot;
}

void plots(Html& html, std::span<const Run> runs) {
  const std::vector<std::string> labels = numbers_of(runs);
  const auto graphs = html.in("div", {{"class", "graphs"}});
  draw(html, Bars{"Time",
                  "seconds",
                  labels,
                  {{"verification", of_all(runs, [](auto& r) { return time_for(r, "verification"); })},
                   {"repair", of_all(runs, [](auto& r) { return time_for(r, "repair"); })},
                   {"all", of_all(runs, total_seconds)}}});
  draw(html, Bars{"Accuracy on the test images",
                  "%",
                  labels,
                  {{"before", of_all(runs, [](auto& r) { return in_percent(r.accuracy_before); })},
                   {"afterwards", of_all(runs, [](auto& r) { return in_percent(r.accuracy_after); })}}});
  draw(html, Bars{"Certified or refuted margin", "margin", labels, {{"margin", of_all(runs, [](auto& r) {
                                                                       return r.margin_bound;
                                                                     })}}});
  draw(html,
       Bars{"Size of all searches", "subproblems", labels, {{"subproblems", of_all(runs, subproblems)}}});
  draw(html, over_rounds("Accuracy before each round", "%", runs,
                         [](const RoundFacts& r) { return in_percent(r.accuracy_before); }));
  draw(html, over_rounds("Margin of the worst counterexample", "margin", runs, [](const RoundFacts& r) {
         return r.counterexamples.empty() ? Number() : r.counterexamples.front().margin;
       }));
}

std::string summary(std::span<const Run> runs) {
  const auto with = [&](const char* verdict) {
    return std::to_string(
        std::count_if(runs.begin(), runs.end(), [&](auto& r) { return r.verdict == verdict; }));
  };
  return "Of " + count(runs.size(), "run") + ", " + with("robust") + " ended robust, " + with("not robust") +
         " not robust, " + with("unknown") + " unknown.";
}

}  // namespace

std::string comparison_page(std::span<const Run> runs) {
  VERISSIM_CHECK(runs.size() > 1);
  return page(
      "Verissim: comparison of runs", std::string("Written by verissim ") + kVersion + ".", [&](Html& html) {
        html.element("h1", "Verissim: comparison of runs");
        const bool all =
            std::all_of(runs.begin(), runs.end(), [](auto& run) { return run.verdict == "robust"; });
        html.element("p", summary(runs), {{"class", all ? "verdict robust" : "verdict"}});
        {
          const auto section = html.in("section");
          html.element("h2", "Results");
          list(html, runs);
        }
        {
          const auto section = html.in("section");
          html.element("h2", "Plots");
          if (runs.size() > kMostCurves) {
            html.element(
                "p", "Curves over rounds are drawn for the first " + std::to_string(kMostCurves) + " runs.");
          }
          plots(html, runs);
        }
        const auto section = html.in("section");
        html.element("h2", "Settings");
        differing_settings(html, runs);
      });
}

}  // namespace verissim::report
