#include "report/page.h"

#include "base/file.h"
#include "base/version.h"
#include "report/frame.h"
#include "report/sections.h"
#include "report/style.h"
#include "report/words.h"

namespace verissim::report {
namespace {

void head(Html& html, const std::string& title) {
  const auto scope = html.in("head");
  html.single("meta", {{"charset", "utf-8"}});
  html.single("meta", {{"name", "viewport"}, {"content", "width=device-width, initial-scale=1"}});
  html.single("meta", {{"name", "color-scheme"}, {"content", "light dark"}});
  html.element("title", title);
  html.style(kStyle);
}

std::string verdict_class(const Run& run) {
  if (run.verdict == "robust") return "verdict robust";
  return run.verdict == "not robust" ? "verdict refuted" : "verdict";
}

std::string margin_text(const Run& run) {
  if (!run.margin_bound) return kNothing;
  return run.verdict == "not robust" ? number(run.margin_bound) + " at the counterexample"
                                     : "at least " + number(run.margin_bound) + " (certified)";
}

std::string network_text(const Run& run) {
  if (run.input.size() == 0) return kNothing;
  return to_string(run.input) + " to " + whole(run.outputs) + " classes, " + whole(run.relus) + " ReLUs, " +
         whole(run.parameters) + " parameters" + (run.trained ? ", trained in this run" : "");
}

std::string limit_text(const Run& run) {
  if (run.has_several()) return count(run.references.size(), "reference");
  if (run.measure.empty() || run.measure == "ssim") return "SSIM at least " + run.threshold;
  return run.measure + " distance at most " + run.threshold;
}

void overview(Html& html, const Run& run) {
  size_t repairs = 0;
  for (const RoundFacts& round : run.rounds) repairs += round.repair ? 1 : 0;
  const Number total = run.times.empty() ? Number() : run.times.back().second;
  facts(html, {{"asked about", limit_text(run)},
               {"margin", margin_text(run)},
               {"accuracy",
                percent(run.accuracy_before) + " before, " + percent(run.accuracy_after) + " afterwards"},
               {"repair", repairs == 0 ? "none" : count(repairs, "round")},
               {"network", network_text(run)},
               {"time", seconds(total)}});
}

}  // namespace

std::string page(const std::string& title, const std::string& made_by,
                 const std::function<void(Html&)>& content) {
  Html html;
  {
    const auto whole_page = html.in("html", {{"lang", "en"}});
    head(html, title);
    const auto body = html.in("body");
    {
      const auto main = html.in("main");
      content(html);
    }
    html.element("footer", made_by);
  }
  return std::move(html).finish();
}

void facts(Html& html, const std::vector<std::pair<std::string, std::string>>& pairs) {
  const auto list = html.in("dl", {{"class", "facts"}});
  for (const auto& [name, text] : pairs) {
    const auto panel = html.in("div", {{"class", "panel"}});
    html.element("dt", name);
    html.element("dd", text);
  }
}

std::string run_page(const Run& run) {
  const std::string made_by = std::string("Written by verissim ") + kVersion + " from the run's report.json" +
                              (run.started.empty() ? "." : "; the run began at " + run.started + ".");
  return page("Verissim: " + run.name, made_by, [&](Html& html) {
    html.element("h1", "Verissim: " + run.name);
    html.element("p", run.sentence, {{"class", verdict_class(run)}});
    if (!run.finished) html.element("p", "The run did not finish, or goes on.", {{"class", "open"}});
    overview(html, run);
    references_section(html, run);
    images_section(html, run);
    scores_section(html, run);
    search_section(html, run);
    repair_section(html, run);
    cost_section(html, run);
    claim_section(html, run);
    settings_section(html, run);
  });
}

void write_run_page(const std::string& folder, const std::string& file) {
  write_text_file(file, run_page(read_run(folder)));
}

}  // namespace verissim::report
