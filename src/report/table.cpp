#include "report/table.h"

#include "base/error.h"

namespace verissim::report {
namespace {

std::string class_of(Cells cells) {
  return cells == Cells::kNumbers ? "n" : cells == Cells::kLong ? "long" : "t";
}

void head(Html& html, const std::vector<Column>& columns) {
  const auto thead = html.in("thead");
  const auto row = html.in("tr");
  for (const Column& column : columns) {
    html.element("th", column.name, {{"scope", "col"}, {"class", class_of(column.cells)}});
  }
}

void body_row(Html& html, const std::vector<Column>& columns, const std::vector<std::string>& cells) {
  VERISSIM_CHECK(cells.size() == columns.size());
  const auto row = html.in("tr");
  html.element("th", cells.front(), {{"scope", "row"}});
  for (size_t i = 1; i < cells.size(); ++i) {
    html.element("td", cells[i], {{"class", class_of(columns[i].cells)}});
  }
}

}  // namespace

void table(Html& html, const std::string& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<std::string>>& rows) {
  if (rows.empty()) return;
  const auto scroll =
      html.in("div", {{"class", "scroll"}, {"role", "region"}, {"tabindex", "0"}, {"aria-label", caption}});
  const auto whole = html.in("table");
  html.element("caption", caption);
  head(html, columns);
  const auto body = html.in("tbody");
  for (const auto& cells : rows) body_row(html, columns, cells);
}

}  // namespace verissim::report
