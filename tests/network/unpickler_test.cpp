#include "network/unpickler.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "network/model_file.h"
#include "network/pickle_builder.h"
#include "network/torch_pickle.h"

namespace verissim::network {
namespace {

using namespace opcode;

PickleRef read(const PickleBuilder& pickle, PickleArena& arena) {
  const std::vector<std::byte> bytes = pickle.bytes();
  TorchHost host("some.pt");
  return Unpickler("some.pt", "data.pkl", bytes, host, arena).read();
}

std::string message_of(const PickleBuilder& pickle) {
  PickleArena arena;
  try {
    read(pickle, arena);
  } catch (const InputError& error) {
    return error.what();
  }
  return "no error";
}

void expect_message(const PickleBuilder& pickle, const std::string& part) {
  const std::string message = message_of(pickle);
  EXPECT_NE(message.find(part), std::string::npos) << message << "\nwanted: " << part;
}

TEST(Unpickler, Integers) {
  const std::vector<std::pair<std::string, int64_t>> cases{
      {"K\xff", 255},
      {"M\xff\xff", 65535},
      {std::string("J\x00\x00\x00\x80", 5), -2147483648LL},
      {std::string("\x8a\x00", 2), 0},
      {"\x8a\x01\xff", -1},
      {"\x8a\x02\xff\x7f", 32767},
      {"\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f", INT64_MAX}};
  for (const auto& [bytes, value] : cases) {
    PickleArena arena;
    EXPECT_EQ(*read(PickleBuilder().raw(bytes).op(kStop), arena)->as<int64_t>(), value);
  }
}

TEST(Unpickler, FloatsAreBigEndian) {
  PickleArena arena;
  const PickleRef value =
      read(PickleBuilder().raw(std::string("G\xbf\xf8\x00\x00\x00\x00\x00\x00", 9)).op(kStop), arena);
  EXPECT_EQ(*value->as<double>(), -1.5);
}

TEST(Unpickler, ContainersThroughTheMemo) {
  PickleArena arena;
  const PickleRef value = read(PickleBuilder()
                                   .op(kEmptyDict)
                                   .raw("q")
                                   .raw(std::string(1, '\0'))
                                   .op(kMark)
                                   .text("a")
                                   .integer(1)
                                   .text("a")
                                   .integer(2)
                                   .text("self")
                                   .raw("h")
                                   .raw(std::string(1, '\0'))
                                   .op(kSetItems)
                                   .op(kStop),
                               arena);
  const auto* dict = value->as<PickleDict>();
  ASSERT_NE(dict, nullptr);
  EXPECT_EQ(*find(*dict, "a")->as<int64_t>(), 2) << "the last value of a key counts";
  EXPECT_EQ(find(*dict, "self"), value) << "a dict may hold itself";
  EXPECT_EQ(find(*dict, "b"), nullptr);
}

TEST(Unpickler, MalformedPickles) {
  expect_message(PickleBuilder().op(kStop), "data.pkl, byte 2: got an empty stack");
  expect_message(PickleBuilder().op(kNone), "got the end of the data");
  expect_message(PickleBuilder().op(kTuple), "no mark on the stack");
  expect_message(PickleBuilder().op(kNone).op(kMark).op(kPop), "an empty stack");
  expect_message(PickleBuilder().raw("hx"), "memo entry 120");
  expect_message(PickleBuilder().raw("\xff"), "pickle opcode 0xff");
  expect_message(PickleBuilder().raw("I1\n"), "pickle opcode 0x49");
  expect_message(PickleBuilder().raw("X\xff\xff\xff\xff"), "the end of the data");
  expect_message(PickleBuilder().raw("\x8d\xff\xff\xff\xff\xff\xff\xff\xff"), "the end of the data");
  expect_message(PickleBuilder().op(kEmptyDict).op(kMark).op(kNone).op(kSetItems), "a key without a value");
  expect_message(PickleBuilder().op(kNone).op(kNone).op(kAppend), "items for None");
  expect_message(PickleBuilder().op(kNone).op(kNone).op(kBuild), "attributes for None");
  expect_message(PickleBuilder().op(kNone).op(kEmptyTuple).op(kReduce), "a call of None");
  expect_message(PickleBuilder().op(kNone).op(kEmptyTuple).op(kNewObj), "an object of None");
  expect_message(PickleBuilder().op(kNone).op(kNone).op(kStackGlobal), "a class without a name");
  PickleBuilder marks;
  for (int k = 0; k < 20000; ++k) marks.op(kMark);
  expect_message(marks, "more than 10,000 open brackets");
  PickleBuilder values;
  values.raw(std::string(5'000'000, 'N'));
  expect_message(values, "more than 4 million values");
}

TEST(Unpickler, NothingIsCalled) {
  for (const auto& [module, name] :
       std::vector<std::pair<std::string, std::string>>{{"os", "system"},
                                                        {"builtins", "eval"},
                                                        {"builtins", "getattr"},
                                                        {"torch", "load"},
                                                        {"torch._utils", "_rebuild_wrapper_subclass"},
                                                        {"torch.storage", "_load_from_bytes"}}) {
    expect_message(PickleBuilder().global(module, name).text("x").op(kTuple1).op(kReduce).op(kStop),
                   "got a call of " + module + "." + name);
  }
}

TEST(TorchHost, TensorsStayWithinTheirStorage) {
  const std::string outside = "wanted one that lies within the 6 elements of storage '0'";
  constexpr int64_t kHuge = INT64_C(1) << 62;
  const auto tensor = [](int64_t offset, const std::vector<int64_t>& shape,
                         const std::vector<int64_t>& stride) {
    return PickleBuilder().tensor("FloatStorage", 6, offset, shape, stride).op(kStop);
  };
  EXPECT_EQ(message_of(tensor(0, {2, 3}, {3, 1})), "no error");
  EXPECT_EQ(message_of(tensor(5, {1}, {kHuge})), "no error");
  EXPECT_EQ(message_of(tensor(6, {0, 9}, {9, 1})), "no error");
  EXPECT_EQ(message_of(tensor(5, {}, {})), "no error");
  expect_message(tensor(1, {2, 3}, {3, 1}), outside);
  expect_message(tensor(-1, {1}, {1}), outside);
  expect_message(tensor(7, {0}, {1}), outside);
  expect_message(tensor(0, {2}, {kHuge}), outside);
  expect_message(tensor(kHuge, {2, 2}, {kHuge, kHuge}), outside);
  expect_message(tensor(0, {kHuge, kHuge}, {0, 0}), outside);
  expect_message(tensor(0, {2}, {-1}), "a malformed tensor");
  expect_message(tensor(0, {-2}, {1}), "a malformed tensor");
  expect_message(tensor(0, {2}, {1, 1}), "a malformed tensor");
  expect_message(PickleBuilder().tensor("FloatStorage", kHuge, 0, {1}, {1}), "a malformed storage");
  expect_message(PickleBuilder().tensor("FloatStorage", -1, 0, {1}, {1}), "a malformed storage");
  expect_message(PickleBuilder().tensor("QInt8Storage", 6, 0, {1}, {1}),
                 "a tensor of type torch.QInt8Storage");
}

PickleBuilder layer(const std::vector<int64_t>& shape, const std::vector<int64_t>& stride) {
  return PickleBuilder()
      .op(kEmptyDict)
      .text("weight")
      .tensor("FloatStorage", 1, 0, shape, stride)
      .op(kSetItem)
      .op(kStop);
}

// PyTorch would take the first type for both, and the name as one within data/.
TEST(TorchHost, AStorageIsOfOneKind) {
  const auto two = [](const std::string& type, int64_t count) {
    return PickleBuilder().tensor("FloatStorage", 6, 0, {1}, {1}).tensor(type, count, 0, {1}, {1}).op(kStop);
  };
  EXPECT_EQ(message_of(two("FloatStorage", 6)), "no error");
  expect_message(two("HalfStorage", 12), "storage '0' with another type or count than before");
  expect_message(two("FloatStorage", 5), "storage '0' with another type or count than before");
  PickleBuilder elsewhere;
  elsewhere.op(kMark).text("storage").global("torch", "FloatStorage").text("../0").text("cpu").integer(1);
  expect_message(elsewhere.op(kTuple).op(kBinPersId), "the storage '../0'");
}

// A state would give a tensor other numbers, and entries a module other layers.
TEST(Unpickler, WhatWouldChangeTensorsAndModules) {
  expect_message(PickleBuilder().tensor("FloatStorage", 6, 0, {1}, {1}).op(kEmptyDict).op(kBuild),
                 "attributes for a tensor of shape [1]");
  const auto object = [](const std::string& module) {
    return PickleBuilder().global(module, "Some").op(kEmptyTuple).op(kNewObj);
  };
  expect_message(object("torch.nn.modules").op(kEmptyDict).op(kBuild).op(kEmptyDict).op(kBuild),
                 "attributes for an object of class torch.nn.modules.Some again");
  expect_message(object("torch.nn.modules").text("0").op(kNone).op(kSetItem),
                 "entries for an object of class torch.nn.modules.Some");
  expect_message(object("torch.nn.modules").op(kNone).op(kAppend), "items for an object of class");
  EXPECT_EQ(message_of(object("some").text("0").op(kNone).op(kSetItem).op(kStop)), "no error");
}

TEST(PytorchFile, TwoPicklesAreRefused) {
  const auto with = [](const std::string& folder) {
    ZipWriter zip("some.pt");
    for (const std::string& name : {folder + "data.pkl", std::string("archive/data.pkl")}) {
      zip.add(name, layer({1, 1}, {1, 1}).bytes());
    }
    zip.add("archive/data/0", std::vector<std::byte>(4));
    return zip.finish();
  };
  EXPECT_EQ(parse_model("some.pt", with("archive/within/")).network.parameters(), 2);
  for (const char* folder : {"", "other/", "other/within/"}) {
    EXPECT_THROW(parse_model("some.pt", with(folder)), InputError) << folder;
  }
}

TEST(PytorchFile, AnyFolderInTheArchive) {
  const std::vector<std::byte> one(4);
  for (const char* folder : {"", "archive/", "a b/c/"}) {
    const LoadedModel model = parse_model("some.pt", layer({1, 1}, {1, 1}).file(one, folder));
    EXPECT_EQ(model.network.parameters(), 2) << folder;
  }
}

// A stride of 0 repeats one number; a few bytes must not become gigabytes.
TEST(PytorchFile, ExpansionIsBounded) {
  const std::vector<std::byte> one(4);
  EXPECT_EQ(parse_model("some.pt", layer({3, 4}, {0, 0}).file(one)).network.inputs(), 4);
  try {
    parse_model("some.pt", layer({1 << 15, 1 << 15}, {0, 0}).file(one));
    FAIL() << "read";
  } catch (const InputError& error) {
    EXPECT_STREQ(
        error.what(),
        "some.pt: 'weight': got tensors with far more elements than the file has bytes, wanted fewer");
  }
}

TEST(PytorchFile, DuplicateKeysAreRefused) {
  PickleBuilder pickle;
  pickle.op(kEmptyDict);
  for (int k = 0; k < 2; ++k) pickle.text("weight").tensor("FloatStorage", 1, 0, {1, 1}, {1, 1}).op(kSetItem);
  try {
    parse_model("some.pt", pickle.op(kStop).file(std::vector<std::byte>(4)));
    FAIL() << "read";
  } catch (const InputError& error) {
    EXPECT_STREQ(error.what(), "some.pt: 'weight': got this key twice, wanted it once");
  }
}

}  // namespace
}  // namespace verissim::network
