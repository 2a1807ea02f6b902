#include <algorithm>

#include "report/plot.h"
#include "report/sections.h"
#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

struct Verification {
  std::string name;
  std::string verdict;
  const SearchFacts* search;
};

std::vector<Verification> verifications(const Run& run) {
  std::vector<Verification> result;
  for (const RoundFacts& round : run.rounds) {
    std::string name = "round " + whole(round.number);
    if (run.has_several() && round.reference) name += ", reference " + whole(*round.reference + 1);
    result.push_back({std::move(name), round.verdict, &round.search});
  }
  if (run.final_network) result.push_back({"the file read back", run.verdict, &run.final_network->search});
  return result;
}

void list(Html& html, const Run& run, const std::vector<Verification>& all) {
  std::vector<std::vector<std::string>> rows;
  for (const auto& [name, verdict, search] : all) {
    rows.push_back(
        {name, verdict, whole(search->subproblems), whole(search->leaves),
         search->stable_relus ? whole(search->stable_relus) + " of " + whole(search->relus) : kNothing,
         seconds(search->seconds_attack), seconds(search->seconds_root), seconds(search->seconds_search),
         seconds(search->seconds)});
  }
  const std::string whose =
      run.has_several() ? "Verifications, of several references the weakest one's: " : "Verifications: ";
  table(html, whose + "subproblems are the nodes of the search's tree, leaves those closed by replay",
        {{"verification", Cells::kText},
         {"verdict", Cells::kText},
         {"subproblems"},
         {"leaves"},
         {"stable ReLUs"},
         {"attack"},
         {"root"},
         {"search"},
         {"together"}},
        rows);
}

Curve curve(const char* name, const Trace& trace, const std::vector<double>& values) {
  Curve result{name, {}};
  for (size_t i = 0; i < values.size(); ++i) result.points.emplace_back(trace.seconds[i], values[i]);
  return result;
}

Curve curve(const char* name, const Trace& trace, const std::vector<Number>& values) {
  Curve result{name, {}};
  for (size_t i = 0; i < values.size(); ++i) result.points.emplace_back(trace.seconds[i], values[i]);
  result.steps = true;
  return result;
}

void course(Html& html, const Verification& verification) {
  const Trace& trace = verification.search->trace;
  html.element("h3", "The course of " + verification.name);
  const auto graphs = html.in("div", {{"class", "graphs"}});
  Plot bounds{
      "Margins over time",
      "seconds",
      "margin",
      {curve("weakest open bound", trace, trace.bound), curve("smallest margin seen", trace, trace.seen)}};
  draw(html, bounds);
  Plot sizes{"Size of the search over time",
             "seconds",
             "subproblems",
             {curve("tree (bounded so far)", trace, trace.subproblems), curve("open", trace, trace.open)}};
  sizes.from_zero = true;
  draw(html, sizes);
}

// The longest one, and the last if it is another.
std::vector<Verification> worth_a_plot(std::vector<Verification> all) {
  std::erase_if(all, [](const Verification& v) {
    const Trace& trace = v.search->trace;
    return trace.seconds.size() < 2 || trace.subproblems.back() == 0;
  });
  if (all.size() < 2) return all;
  const auto longest = std::max_element(all.begin(), all.end(), [](const auto& a, const auto& b) {
    return a.search->seconds.value_or(0) < b.search->seconds.value_or(0);
  });
  if (longest == all.end() - 1) return {*longest};
  return {*longest, all.back()};
}

}  // namespace

void search_section(Html& html, const Run& run) {
  const std::vector<Verification> all = verifications(run);
  if (all.empty()) return;
  const auto section = html.in("section");
  html.element("h2", "Search");
  list(html, run, all);
  const std::vector<Verification> plotted = worth_a_plot(all);
  if (plotted.empty()) {
    html.element("p",
                 "No course is drawn: every verification was decided before a subproblem was bounded, or "
                 "none was recorded.");
    return;
  }
  html.element(
      "p",
      "The verdict is in doubt as long as the weakest open bound is at or below 0 and the smallest margin "
      "seen above it. Bounds on the way are those of the fast arithmetic; what a verdict rests on is "
      "replayed with outward rounding. Drawn are the longest verification and the last one.",
      {{"class", "quiet"}});
  for (const Verification& verification : plotted) course(html, verification);
}

}  // namespace verissim::report
