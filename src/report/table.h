#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace verissim::report {

enum class Cells { kText, kNumbers, kLong };  // long texts may break anywhere

struct Column {
  std::string name;
  Cells cells = Cells::kNumbers;
};

// The first cell of a row is its heading. Wide tables scroll on small screens, by keyboard as well.
void table(Html& html, const std::string& caption, const std::vector<Column>& columns,
           const std::vector<std::vector<std::string>>& rows);

}  // namespace verissim::report
