// The largest neighbourhood, of one measure of likeness, in which a network keeps the reference's class.
#pragma once

#include "experiment/question.h"
#include "search/threshold.h"

namespace verissim::experiment {

// The neighbourhoods of a reference by a measure. Their size is 1 - SSIM or the distance, and the limits have
// five significant digits of it. In question are SSIM thresholds from 0.001 to 0.999999999, distances from
// 1e-7 to where [0,1]^n ends. `reference` must outlive the family.
search::Family neighbourhoods_of(const image::Image& reference, Measure measure);

// Encloses the threshold of question.neighbourhood.measure; the question's own limit does not matter. What
// was found becomes the question's limit and region: the refuted one, else the proved one, if there is one.
search::ThresholdResult find_threshold(Question& question, const search::ThresholdOptions& options,
                                       const StopToken& stop, search::ThresholdObserver* observer);

// Makes `limit` the question's own.
void set_limit(Question& question, const Decimal& limit);

// Throws InputError unless 0.001 <= gap <= 1: limits have too few digits for smaller gaps.
void check_gap(double gap, const std::string& place = "gap");

}  // namespace verissim::experiment
