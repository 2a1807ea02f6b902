#include <algorithm>

#include "report/plot.h"
#include "report/sections.h"
#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

constexpr size_t kMostLayers = 6;  // that curves can tell apart

template <typename Value>
Curve over_rounds(const std::string& name, const Run& run, Value value) {
  Curve result{name, {}};
  result.markers = true;
  for (const RoundFacts& round : run.rounds) {
    if (round.number) result.points.emplace_back(*round.number, value(round));
  }
  return result;
}

Number worst_margin(const RoundFacts& round) {
  if (round.counterexamples.empty()) return std::nullopt;
  return round.counterexamples.front().margin;
}

Number of_repair(const RoundFacts& round, Number RepairFacts::*member) {
  return round.repair ? (*round.repair).*member : std::nullopt;
}

Plot plot_of(const char* title, const char* y_name, std::vector<Curve> curves) {
  Plot plot{title, "round", y_name, std::move(curves)};
  plot.whole_x = true;
  return plot;
}

Plot margins(const Run& run) {
  return plot_of("Margins", "margin",
                 {over_rounds("of the worst counterexample", run, worst_margin),
                  over_rounds("wanted of every counterexample", run, [](const RoundFacts& r) {
                    return of_repair(r, &RepairFacts::margin_wanted);
                  })});
}

Plot accuracies(const Run& run) {
  const auto share = [](Number value) { return value ? Number(100 * *value) : value; };
  return plot_of(
      "Accuracy on the test images", "%",
      {over_rounds("before the round's repair", run,
                   [&](const RoundFacts& r) { return share(r.accuracy_before); }),
       over_rounds("after it", run, [&](const RoundFacts& r) { return share(r.accuracy_after); })});
}

Plot points(const Run& run) {
  Plot plot = plot_of("Counterexamples", "images",
                      {over_rounds("added in the round", run,
                                   [](const RoundFacts& r) { return of_repair(r, &RepairFacts::added); }),
                       over_rounds("repaired on", run,
                                   [](const RoundFacts& r) { return of_repair(r, &RepairFacts::points); }),
                       over_rounds("still wrong after the repair", run,
                                   [](const RoundFacts& r) { return of_repair(r, &RepairFacts::left); })});
  plot.from_zero = true;
  return plot;
}

std::vector<std::string> layers(const Run& run) {
  for (const RoundFacts& round : run.rounds) {
    if (!round.repair || round.repair->layers.empty()) continue;
    std::vector<std::string> names;
    for (const LayerChange& layer : round.repair->layers) names.push_back(layer.name);
    return names;
  }
  return {};
}

Number change_of(const RoundFacts& round, size_t layer) {
  if (!round.repair || layer >= round.repair->layers.size()) return std::nullopt;
  const Number relative = round.repair->layers[layer].relative;
  return relative ? Number(100 * *relative) : relative;
}

Plot weights(const Run& run) {
  std::vector<Curve> curves;
  const std::vector<std::string> names = layers(run);
  for (size_t i = 0; i < std::min(names.size(), kMostLayers); ++i) {
    curves.push_back(over_rounds(names[i], run, [i](const RoundFacts& r) { return change_of(r, i); }));
  }
  Plot plot = plot_of("Change of the weights, layer by layer", "% of their norm", std::move(curves));
  plot.from_zero = true;
  return plot;
}

std::string tally(const RoundFacts& round, const std::string& verdict) {
  return std::to_string(std::count(round.verdicts.begin(), round.verdicts.end(), verdict));
}

// What a round's verifications said: of one reference the verdict and why, of several how many are proved,
// refuted and open.
std::vector<Column> verdict_columns(const Run& run) {
  if (run.has_several()) return {{"proved"}, {"refuted"}, {"open"}};
  return {{"verdict", Cells::kText}, {"why", Cells::kText}};
}

std::vector<std::string> verdict_cells(const Run& run, const RoundFacts& round) {
  if (!run.has_several()) return {round.verdict, round.reason};
  return {tally(round, "robust"), tally(round, "not robust"), tally(round, "unknown")};
}

// report.json counts those of the weakest reference; files there are of all.
Number found_in(const RoundFacts& round) {
  const auto files = static_cast<double>(round.counterexamples.size());
  return round.found ? std::max(*round.found, files) : files;
}

void list_rounds(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const RoundFacts& round : run.rounds) {
    const auto fact = [&](Number RepairFacts::*member) { return of_repair(round, member); };
    std::vector<std::string> row = {whole(round.number)};
    for (std::string& cell : verdict_cells(run, round)) row.push_back(std::move(cell));
    for (std::string& cell :
         std::vector<std::string>{round.repair ? round.repair->method : std::string(), whole(found_in(round)),
                                  whole(fact(&RepairFacts::points)),
                                  number(fact(&RepairFacts::margin_wanted)), whole(fact(&RepairFacts::left)),
                                  whole(fact(&RepairFacts::epochs)), seconds(fact(&RepairFacts::seconds)),
                                  percent(round.accuracy_before), percent(round.accuracy_after)})
      row.push_back(std::move(cell));
    rows.push_back(std::move(row));
  }
  std::vector<Column> columns = {{"round"}};
  for (const Column& column : verdict_columns(run)) columns.push_back(column);
  for (const Column& column : std::vector<Column>{{"method", Cells::kText},
                                                  {"found"},
                                                  {"repaired on"},
                                                  {"margin wanted"},
                                                  {"left"},
                                                  {"epochs"},
                                                  {"repair"},
                                                  {"accuracy before"},
                                                  {"accuracy after"}})
    columns.push_back(column);
  table(html,
        run.has_several()
            ? "Each round: verifications of all references, and the repair that followed them; a round may "
              "begin with the first network again, by another method"
            : "Each round: a verification, and the repair that followed it",
        columns, rows);
}

void list_layers(Html& html, const Run& run) {
  std::vector<Column> columns = {{"round"}};
  for (const std::string& name : layers(run)) columns.push_back({name});
  if (columns.size() == 1) return;
  std::vector<std::vector<std::string>> rows;
  for (const RoundFacts& round : run.rounds) {
    if (!round.repair) continue;
    std::vector<std::string> cells = {whole(round.number)};
    for (size_t i = 0; i + 1 < columns.size(); ++i) {
      const bool known = i < round.repair->layers.size();
      cells.push_back(number(change_of(round, i), 3) + " %, largest " +
                      number(known ? round.repair->layers[i].largest : std::nullopt, 3));
    }
    rows.push_back(std::move(cells));
  }
  table(html,
        "Weights of each layer: norm of the change relative to the norm before the round, and the largest "
        "change "
        "of one weight",
        columns, rows);
}

}  // namespace

void repair_section(Html& html, const Run& run) {
  const bool any =
      std::any_of(run.rounds.begin(), run.rounds.end(), [](auto& round) { return round.repair; });
  const auto section = html.in("section");
  html.element("h2", "Repair");
  if (!any) {
    html.element("p", "The network was not changed.");
    return;
  }
  {
    const auto graphs = html.in("div", {{"class", "graphs"}});
    draw(html, margins(run));
    draw(html, accuracies(run));
    draw(html, points(run));
    draw(html, weights(run));
  }
  if (layers(run).size() > kMostLayers) {
    html.element("p", "The plot of the weights shows the first " + std::to_string(kMostLayers) +
                          " layers, the table all of them.");
  }
  list_rounds(html, run);
  list_layers(html, run);
}

}  // namespace verissim::report
