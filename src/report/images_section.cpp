#include <algorithm>
#include <cmath>

#include "report/picture.h"
#include "report/plot.h"
#include "report/sections.h"
#include "report/table.h"
#include "report/words.h"
#include "similarity/ssim_map.h"

namespace verissim::report {
namespace {

constexpr size_t kMostShown = 12;
constexpr size_t kMostReferences = 40;

struct Shown {
  const RoundFacts* round;
  const CounterexampleFacts* found;
  std::vector<double> values;
  std::vector<double> reference;
};

std::vector<double> reference_of(const Run& run, const Number& number) {
  const std::string stem = run.reference_stem(number);
  return read_values(run, stem + ".npy", stem + ".png");
}

// The class of the reference with this number.
Number label_of(const Run& run, const Number& number) {
  const bool known = number && *number >= 0 && *number < static_cast<double>(run.references.size());
  return known ? run.references[static_cast<size_t>(*number)].label : run.label;
}

// The worst counterexample of each round whose image is there.
std::vector<Shown> worst_of_rounds(const Run& run) {
  std::vector<Shown> result;
  for (const RoundFacts& round : run.rounds) {
    if (round.counterexamples.empty()) continue;
    const CounterexampleFacts& worst = round.counterexamples.front();
    std::vector<double> values = read_values(run, worst.npy, worst.png);
    std::vector<double> reference = reference_of(run, worst.reference);
    if (!values.empty() && !reference.empty())
      result.push_back({&round, &worst, std::move(values), std::move(reference)});
  }
  return result;
}

void figure(Html& html, const Picture& picture, const std::string& alternative, const std::string& caption) {
  const auto whole = html.in("figure");
  show(html, picture, alternative);
  html.element("figcaption", caption);
}

void reference_figure(Html& html, const Run& run, const Number& number,
                      const std::vector<double>& reference) {
  const std::string name = run.class_name(label_of(run, number));
  figure(html, plain_picture(reference, run.input), "The reference image, class " + name,
         "reference, class " + name);
}

// All of several references, as far as there is room.
void gallery(Html& html, const Run& run) {
  const auto row = html.in("div", {{"class", "row item"}});
  for (size_t i = 0; i < std::min(run.references.size(), kMostReferences); ++i) {
    const ReferenceFacts& each = run.references[i];
    const std::vector<double> values = reference_of(run, static_cast<double>(i));
    if (values.empty()) continue;
    const std::string verdict = each.verdict.empty() ? "not asked" : each.verdict;
    figure(html, plain_picture(values, run.input),
           "Reference " + std::to_string(i + 1) + ", class " + run.class_name(each.label),
           std::to_string(i + 1) + ", class " + run.class_name(each.label) + ": " + verdict);
  }
}

std::string likeness(const Run& run, const CounterexampleFacts& found) {
  return run.measure.empty() || run.measure == "ssim" ? "SSIM " + number(found.ssim, 6)
                                                      : "distance " + number(found.distance);
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  double largest = 0.0;
  for (size_t i = 0; i < a.size(); ++i) largest = std::max(largest, std::abs(a[i] - b[i]));
  return largest;
}

void difference_figure(Html& html, const Run& run, const std::vector<double>& values,
                       const std::vector<double>& reference) {
  const std::string largest = number(largest_difference(values, reference));
  const bool colours = run.input.channels == 3;
  figure(html, difference_picture(values, reference, run.input),
         "Difference of counterexample and reference, at most " + largest + " in one value",
         (colours ? "difference around grey, strongest colour: "
                  : "difference: orange brighter, blue darker; full colour: ") +
             largest);
}

void map_figure(Html& html, const Run& run, const std::vector<double>& values,
                const std::vector<double>& reference) {
  const int64_t side = similarity::map_window(run.input);
  if (side == 0) return;
  const std::vector<double> map = similarity::ssim_map(values, reference, run.input);
  const std::string lowest = number(*std::min_element(map.begin(), map.end()), 3);
  const std::string window = std::to_string(side) + " × " + std::to_string(side);
  figure(html, map_picture(map, run.input.height, run.input.width),
         "Map of local SSIM in windows of " + window + " pixels, lowest value " + lowest,
         "local SSIM, windows of " + window + ": light 1, dark 0; lowest " + lowest);
}

void counterexample_row(Html& html, const Run& run, const Shown& shown) {
  const Number& number_of_it = shown.found->reference;
  const std::string rival = run.class_name(shown.found->rival);
  const std::string whose =
      run.has_several() && number_of_it ? ", reference " + whole(*number_of_it + 1) : std::string();
  html.element("h3", "Round " + whole(shown.round->number) + whose + ": class " + rival + " instead of " +
                         run.class_name(label_of(run, number_of_it)) + ", " + likeness(run, *shown.found));
  const auto row = html.in("div", {{"class", "row item"}});
  reference_figure(html, run, number_of_it, shown.reference);
  figure(html, plain_picture(shown.values, run.input), "Counterexample, gets class " + rival,
         "counterexample, class " + rival + ", margin " + number(shown.found->margin));
  difference_figure(html, run, shown.values, shown.reference);
  map_figure(html, run, shown.values, shown.reference);
}

void explain(Html& html, const Run& run, size_t rounds) {
  std::string text;
  if (rounds > 0) {
    text =
        "The worst counterexample of each round, beside the reference. All images are enlarged by whole "
        "numbers, "
        "nothing is smoothed.";
    if (rounds > kMostShown) {
      text += " Of " + count(rounds, "round") + " the first " + std::to_string(kMostShown - 1) +
              " and the last are shown; the images of all are in the folder.";
    }
    if (similarity::map_window(run.input) > 0) {
      text +=
          " The map of local SSIM is a help for the eye alone: a uniform window around each pixel, the image "
          "mirrored at its border, variances divided by the number of pixels, the mean over the channels. "
          "Verdicts are about the SSIM named below, which is one number of the whole image and has no map.";
    }
  } else {
    text = "No counterexample was found.";
  }
  html.element("p", text);
}

std::string png_state(const CounterexampleFacts& found) {
  if (!found.png_is_one) return kNothing;
  return *found.png_is_one ? "yes" : "no";
}

void list(Html& html, const Run& run) {
  std::vector<std::vector<std::string>> rows;
  for (const RoundFacts& round : run.rounds) {
    for (const CounterexampleFacts& found : round.counterexamples) {
      const Number reference = found.reference ? Number(*found.reference + 1) : Number(1);
      rows.push_back({found.npy, whole(round.number), whole(reference), run.class_name(found.rival),
                      number(found.margin), number(found.margin_after), number(found.ssim, 8),
                      number(found.deviation), png_state(found)});
    }
  }
  table(html,
        "Counterexamples in the folder. Margins are the score of the reference's class less the other's, by "
        "the "
        "network that was refuted and by the one kept; below or at 0 the class is lost.",
        {{"file", Cells::kText},
         {"round"},
         {"reference"},
         {"class"},
         {"margin"},
         {"margin afterwards"},
         {"SSIM"},
         {"largest difference"},
         {"its PNG is one as well", Cells::kText}},
        rows);
}

bool showable(const Run& run, const std::vector<double>& reference) {
  return !reference.empty() && (run.input.channels == 1 || run.input.channels == 3);
}

}  // namespace

void images_section(Html& html, const Run& run) {
  const std::vector<double> reference = reference_of(run, 0.0);
  const auto section = html.in("section");
  html.element("h2", "Images");
  const std::vector<Shown> shown = worst_of_rounds(run);
  if (!showable(run, reference)) {
    html.element("p", "The folder has no image that can be shown.");
  } else {
    explain(html, run, shown.size());
    if (run.has_several()) {
      gallery(html, run);
    } else if (shown.empty()) {
      const auto row = html.in("div", {{"class", "row item"}});
      reference_figure(html, run, 0.0, reference);
    }
    for (size_t i = 0; i < shown.size(); ++i) {
      if (shown.size() > kMostShown && i >= kMostShown - 1 && i + 1 < shown.size()) continue;
      counterexample_row(html, run, shown[i]);
    }
  }
  list(html, run);
}

void scores_section(Html& html, const Run& run) {
  if (run.scores_before.empty() || run.has_several()) return;
  const auto section = html.in("section");
  html.element("h2", "Scores of the reference");
  std::vector<std::string> labels;
  std::vector<std::vector<std::string>> rows;
  const bool changed = run.scores_after.size() == run.scores_before.size();
  for (size_t i = 0; i < run.scores_before.size(); ++i) {
    const auto output = static_cast<double>(i);
    labels.push_back(std::to_string(i));
    rows.push_back({run.class_name(output) + (run.label && *run.label == output ? ", its own" : ""),
                    number(run.scores_before[i], 6), changed ? number(run.scores_after[i], 6) : kNothing});
  }
  Bars bars{"Scores by class", "score", labels, {{"before", run.scores_before}}};
  if (changed) bars.groups.emplace_back("afterwards", run.scores_after);
  const auto graphs = html.in("div", {{"class", "graphs"}});
  draw(html, bars);
  table(html, "By the first network and by the one kept",
        {{"class", Cells::kText}, {"before"}, {"afterwards"}}, rows);
}

}  // namespace verissim::report
