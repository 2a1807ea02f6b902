#include "report/html.h"

#include "base/error.h"

namespace verissim::report {
namespace {

// Elements after whose tags a line may end without changing what is seen.
bool is_block(std::string_view tag) {
  for (const char* name :
       {"html",       "head",  "body", "main", "header", "footer",  "section", "article", "div",   "table",
        "thead",      "tbody", "tr",   "ul",   "figure", "svg",     "g",       "title",   "style", "h1",
        "h2",         "h3",    "p",    "dl",   "dt",     "dd",      "li",      "th",      "td",    "caption",
        "figcaption", "path",  "line", "rect", "desc",   "details", "summary", "circle",  "pre"}) {
    if (tag == name) return true;
  }
  return false;
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (const char c : text) {
    const auto code = static_cast<unsigned char>(c);
    switch (c) {
      case '&':
        result += "&amp;";
        break;
      case '<':
        result += "&lt;";
        break;
      case '>':
        result += "&gt;";
        break;
      case '"':
        result += "&quot;";
        break;
      case '\'':
        result += "&#39;";
        break;
      default:
        if ((code < 0x20 && c != '\n' && c != '\t') || code == 0x7f) {
          result += "\xef\xbf\xbd";
        } else {
          result += c;
        }
    }
  }
  return result;
}

Html::Html() : page_("<!DOCTYPE html>\n") {}

Html::Scope Html::in(std::string_view tag, Attributes attributes) {
  open(tag, attributes);
  open_.emplace_back(tag);
  return Scope(*this);
}

void Html::element(std::string_view tag, std::string_view content, Attributes attributes) {
  const Scope scope = in(tag, attributes);
  text(content);
}

void Html::single(std::string_view tag, Attributes attributes) { open(tag, attributes); }

void Html::text(std::string_view text) { page_ += escape(text); }

void Html::style(const char* sheet) {
  const Scope scope = in("style");
  page_ += sheet;
}

std::string Html::finish() && {
  VERISSIM_CHECK(open_.empty());
  return std::move(page_);
}

void Html::open(std::string_view tag, Attributes attributes) {
  page_ += "<" + std::string(tag);
  for (const auto& [name, value] : attributes) {
    page_ += " " + std::string(name) + "=\"" + escape(value) + "\"";
  }
  page_ += ">";
}

void Html::close() {
  VERISSIM_CHECK(!open_.empty());
  page_ += "</" + open_.back() + ">";
  if (is_block(open_.back())) page_ += "\n";
  open_.pop_back();
}

}  // namespace verissim::report
