// The first subproblems of a search.
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "base/parallel.h"
#include "base/stop.h"
#include "search/expand.h"
#include "search/frame.h"

namespace verissim::search {

// One for each goal and first slab of the region, numbered from 0, with no bound yet.
std::vector<Node> root_nodes(const std::shared_ptr<const Frame>& root, const property::Property& property,
                             const region::Region& region);

std::vector<std::vector<Node>> in_chunks(std::vector<Node> nodes, size_t size);

// Bounds the nodes with the slopes they have, in one pass. Their outcomes, each of a closed node; empty if
// one of them cannot be closed so, or it was stopped.
std::vector<Outcome> close_all(const proof::Replay& replay, const bounds::Graph& graph,
                               const property::Property& property, double enough, ThreadPool& pool,
                               const StopToken& stop, std::vector<Node>& nodes);

}  // namespace verissim::search
