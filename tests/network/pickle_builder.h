// Writes pickles by hand, also such as no program would write.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "network/pickle_opcodes.h"
#include "network/zip_writer.h"

namespace verissim::network {

class PickleBuilder {
 public:
  PickleBuilder() { op(opcode::kProto).raw("\x02"); }

  PickleBuilder& op(opcode::Opcode code) { return raw(std::string(1, static_cast<char>(code))); }
  PickleBuilder& raw(const std::string& bytes) {
    text_ += bytes;
    return *this;
  }
  PickleBuilder& text(const std::string& value) {
    op(opcode::kShortBinUnicode).raw(std::string(1, static_cast<char>(value.size())));
    return raw(value);
  }
  PickleBuilder& integer(int64_t value) {
    op(opcode::kLong1).raw("\x08");
    for (int k = 0; k < 8; ++k) text_ += static_cast<char>(static_cast<uint64_t>(value) >> (8 * k));
    return *this;
  }
  PickleBuilder& tuple(const std::vector<int64_t>& values) {
    op(opcode::kMark);
    for (const int64_t value : values) integer(value);
    return op(opcode::kTuple);
  }
  PickleBuilder& global(const std::string& module, const std::string& name) {
    return op(opcode::kGlobal).raw(module + "\n" + name + "\n");
  }
  // A call of _rebuild_tensor_v2 on storage '0' of the type and count.
  PickleBuilder& tensor(const std::string& type, int64_t count, int64_t offset,
                        const std::vector<int64_t>& shape, const std::vector<int64_t>& stride) {
    global("torch._utils", "_rebuild_tensor_v2").op(opcode::kMark).op(opcode::kMark);
    text("storage").global("torch", type).text("0").text("cpu").integer(count).op(opcode::kTuple);
    op(opcode::kBinPersId).integer(offset).tuple(shape).tuple(stride).op(opcode::kNewFalse).op(opcode::kNone);
    return op(opcode::kTuple).op(opcode::kReduce);
  }

  std::vector<std::byte> bytes() const {
    const auto* data = reinterpret_cast<const std::byte*>(text_.data());
    return {data, data + text_.size()};
  }
  // A PyTorch file of this pickle and one storage.
  std::vector<std::byte> file(const std::vector<std::byte>& storage,
                              const std::string& folder = "archive/") const {
    ZipWriter zip("some.pt");
    zip.add(folder + "data.pkl", bytes());
    zip.add(folder + "data/0", storage);
    zip.add(folder + "version", {});
    return zip.finish();
  }

 private:
  std::string text_;
};

}  // namespace verissim::network
