// What all pages have in common.
#pragma once

#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "report/html.h"

namespace verissim::report {

// A whole page with this title and what `content` writes into its main part.
std::string page(const std::string& title, const std::string& made_by,
                 const std::function<void(Html&)>& content);

// Panels of a name and a short text.
void facts(Html& html, const std::vector<std::pair<std::string, std::string>>& pairs);

}  // namespace verissim::report
