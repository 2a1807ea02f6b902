#pragma once

namespace verissim::report {

// The style sheet of all pages: light and dark, screen, phone and paper.
extern const char* const kStyle;

}  // namespace verissim::report
