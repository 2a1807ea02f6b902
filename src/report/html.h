// Writes HTML (and SVG within it). All texts and attributes are escaped, and every element that was opened is
// closed: what comes out is well-formed whatever it is made from.
#pragma once

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace verissim::report {

// For text between tags and within double quotes. Control characters that HTML forbids become U+FFFD.
std::string escape(std::string_view text);

class Html {
 public:
  using Attributes = std::initializer_list<std::pair<std::string_view, std::string>>;

  // Closes the element that it stands for.
  class [[nodiscard]] Scope {
   public:
    explicit Scope(Html& html) : html_(html) {}
    ~Scope() { html_.close(); }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Html& html_;
  };

  Html();

  // Opens an element for as long as what it returns lives.
  Scope in(std::string_view tag, Attributes attributes = {});
  // An element with a text.
  void element(std::string_view tag, std::string_view text, Attributes attributes = {});
  // An element that HTML does not close: img, meta, br.
  void single(std::string_view tag, Attributes attributes = {});
  void text(std::string_view text);
  // The style sheet, one of our own constants: not escaped.
  void style(const char* sheet);

  // The whole page; everything must be closed.
  std::string finish() &&;

 private:
  void open(std::string_view tag, Attributes attributes);
  void close();

  std::string page_;
  std::vector<std::string> open_;
};

}  // namespace verissim::report
