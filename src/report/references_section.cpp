#include "report/sections.h"
#include "report/table.h"
#include "report/words.h"

namespace verissim::report {
namespace {

void list_classes(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const ClassFacts& each : run.cost->classes) {
    rows.push_back(
        {run.class_name(each.label), whole(each.images), percent(each.before), percent(each.after)});
  }
  table(html, "Accuracy on the test images of each class",
        {{"class", Cells::kText}, {"images"}, {"before"}, {"afterwards"}}, rows);
}

void list_unseen(Html& html, const Run& run) {
  if (run.cost->unseen.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const UnseenFacts& each : run.cost->unseen) {
    rows.push_back({each.which, whole(each.images), whole(each.proved_before), whole(each.proved_after),
                    whole(each.refuted_before), whole(each.refuted_after)});
  }
  table(html, "Around test images that no repair has seen, by the same measure and threshold",
        {{"images", Cells::kText},
         {"number"},
         {"proved before"},
         {"proved afterwards"},
         {"refuted before"},
         {"refuted afterwards"}},
        rows);
}

void list_candidates(Html& html, const Run& run) {
  if (run.candidates.empty()) return;
  std::vector<std::vector<std::string>> rows;
  for (const CandidateFacts& each : run.candidates)
    rows.push_back({each.method, number(each.step), percent(each.accuracy)});
  table(html,
        "Networks that were proved for all references, the most accurate first; the step is the share of the "
        "way from the first network to the method's",
        {{"method", Cells::kText}, {"step"}, {"accuracy"}}, rows);
}

void list_changes(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const LayerChange& each : run.cost->layers)
    rows.push_back({each.name, number(each.relative), number(each.largest)});
  table(html, "Weights of the network kept against the first one's",
        {{"layer", Cells::kText}, {"norm of the change / norm before"}, {"largest change"}}, rows);
}

}  // namespace

void references_section(Html& html, const Run& run) {
  if (!run.has_several()) return;
  const auto section = html.in("section");
  html.element("h2", "References");
  std::vector<std::vector<std::string>> rows;
  for (size_t i = 0; i < run.references.size(); ++i) {
    const ReferenceFacts& each = run.references[i];
    const auto or_nothing = [](const std::string& text) { return text.empty() ? kNothing : text; };
    rows.push_back({std::to_string(i + 1), each.path, run.class_name(each.label), each.threshold,
                    or_nothing(each.verdict_before), or_nothing(each.verdict), number(each.margin_bound)});
  }
  table(html, "Each reference, by the first network and by the one kept",
        {{"number"},
         {"image", Cells::kLong},
         {"class"},
         {"threshold"},
         {"verdict before", Cells::kText},
         {"verdict", Cells::kText},
         {"margin at least"}},
        rows);
}

void cost_section(Html& html, const Run& run) {
  if (!run.cost) return;
  const auto section = html.in("section");
  html.element("h2", "What it cost");
  html.element("p", "The network kept gives " + percent(run.cost->agreement) +
                        " of the test images the class that the first network gave them.");
  list_classes(html, run);
  list_unseen(html, run);
  list_candidates(html, run);
  list_changes(html, run);
}

}  // namespace verissim::report
