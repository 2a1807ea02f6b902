// Reads VNN-LIB, the verification competition's format of properties.
//
// Version 1: (declare-const X_i Real) and Y_j, (assert ...). Version 2.0: (vnnlib-version <2.0>), one
// (declare-network ...) with one (declare-input ...) and one (declare-output ...) of a floating-point type,
// whose elements are X[i,j]; numbered in row-major order. In both, a formula is made of and, or, <=, >=, <,
// >,
// == (also =) and != over linear expressions: numbers, variables, + - *, and division by a number.
//
// Refused by name: several networks, several inputs or outputs, hidden nodes, integer types, products of
// variables. All types stand for real numbers.
#pragma once

#include <string>
#include <string_view>

#include "property/query.h"

namespace verissim::property {

// The file may be packed with gzip. Throws InputError naming file and line.
Query read_vnnlib(const std::string& path);

// The same of a text that is already in memory; file is its name.
Query parse_vnnlib(const std::string& file, std::string_view text);

}  // namespace verissim::property
