// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
#include <ATen/ops/arange.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/full.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <fstream>
#include <string>

#include <ttfm/conformance/errors.h>
#include <ttfm/conformance/temporary_folder.h>
#include <ttfm/io/safetensors.h>

#include "framework/base/variable.h"

namespace ttfm::io {
namespace {

using conformance::error_text;

/// The bytes of a file by hand: the length of the header, the header, the data.
std::string file_of(const std::string& header, const std::string& data) {
  const uint64_t length = header.size();
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes + header + data;
}

std::string contents(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

class Safetensors : public testing::Test {
 protected:
  std::filesystem::path write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary) << bytes;
    return path_;
  }

  /// What the reader says of a file, without the file's name.
  std::string refusal(const std::string& header, const std::string& data) const {
    return refusal_of(file_of(header, data));
  }
  std::string refusal_of(const std::string& bytes) const {
    write(bytes);
    const std::string text = error_text([&] { SafetensorsFile file(path_); });
    const std::string prefix = path_.string() + ": ";
    EXPECT_EQ(text.substr(0, prefix.size()), prefix);
    return text.substr(std::min(prefix.size(), text.size()));
  }

  conformance::TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "x.safetensors";
};

TEST_F(Safetensors, ReadsHandWrittenBytes) {
  const float values[] = {1.5f, -2, 0, 4};
  std::string data(reinterpret_cast<const char*>(values), sizeof values);
  data += std::string("\x01\x00\x01", 3);
  write(file_of(R"({"__metadata__":{"made by":"hand"},"flags":{"dtype":"BOOL","shape":[3],"data_offsets":[16,19]},)"
                R"("w":{"dtype":"F32","shape":[2,2],"data_offsets":[0,16]}}   )",
                data));

  const SafetensorsFile file(path_);

  ASSERT_EQ(file.tensors().size(), 2u);
  EXPECT_EQ(file.tensors()[0].name, "w");
  EXPECT_EQ(file.metadata(), (Metadata{{"made by", "hand"}}));
  EXPECT_TRUE(at::equal(file.read("w"), at::tensor({1.5f, -2.f, 0.f, 4.f}).view({2, 2})));
  EXPECT_TRUE(at::equal(file.read("flags").to(at::kLong), at::tensor({1, 0, 1}, at::kLong)));
  EXPECT_TRUE(at::equal(file.read_rows(file.at("w"), 1, 1), at::tensor({0.f, 4.f}).view({1, 2})));
  EXPECT_EQ(file.find("b"), nullptr);
  EXPECT_EQ(error_text([&] { file.at("b"); }), path_.string() + ": has no tensor `b`; it has `w`, `flags`");
}

TEST_F(Safetensors, WritesTheExpectedBytes) {
  write_safetensors(path_, {{"a", at::full({2}, 1, at::kByte)}, {"b", at::zeros({1, 1}, at::kInt)}}, {{"k", "v"}});

  std::string header = R"({"__metadata__":{"k":"v"},"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]},)"
                       R"("b":{"dtype":"I32","shape":[1,1],"data_offsets":[2,6]}})";
  header.append((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(contents(path_), file_of(header, std::string("\x01\x01\0\0\0\0", 6)));
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_.path()), {}), 1) << "a temporary was left";
}

TEST_F(Safetensors, EveryTypeComesBackAsItWas) {
  std::vector<NamedTensor> tensors;
  for (const auto type : {at::kDouble, at::kFloat, at::kHalf, at::kBFloat16, at::kLong, at::kInt, at::kShort, at::kChar,
                          at::kByte, at::kBool}) {
    tensors.push_back({toString(type), at::arange(6).remainder(2).to(type).view({3, 2})});
  }
  tensors.push_back({"scalar", at::full({}, 3.25, at::kDouble)});
  tensors.push_back({"empty", at::zeros({0, 5})});

  write_safetensors(path_, tensors);
  const SafetensorsFile file(path_);

  ASSERT_EQ(file.tensors().size(), tensors.size());
  for (const auto& [name, value] : tensors) {
    const at::Tensor read = file.read(name);
    EXPECT_EQ(read.scalar_type(), value.scalar_type()) << name;
    EXPECT_TRUE(at::equal(read, value)) << name;
  }
}

TEST_F(Safetensors, ViewsOfAFlatBufferAreWrittenAndReadInPlace) {
  const at::Tensor flat = at::arange(10, at::kFloat);
  write_safetensors(path_,
                    {{"tail", flat.narrow(0, 4, 6).view({2, 3})}, {"turned", flat.narrow(0, 0, 4).view({2, 2}).t()}});
  const SafetensorsFile file(path_);
  const at::Tensor other = at::zeros({10});

  file.read_into(file.at("tail"), other.narrow(0, 4, 6).view({2, 3}));

  EXPECT_TRUE(at::equal(other.narrow(0, 4, 6), flat.narrow(0, 4, 6)));
  EXPECT_TRUE(at::equal(file.read("turned"), at::tensor({0.f, 2.f, 1.f, 3.f}).view({2, 2})));
  EXPECT_NE(error_text([&] {
              file.read_into(file.at("tail"), at::zeros({3, 2}));
            }).find("tensor `tail` (F32 [2, 3]) cannot be read into Float [3, 2] on cpu"),
            std::string::npos);
}

TEST_F(Safetensors, RowsThatATensorDoesNotHaveAreRefused) {
  write_safetensors(path_, {{"scalar", at::full({}, 3.25, at::kDouble)}, {"x", at::zeros({2, 3})}});
  const SafetensorsFile file(path_);

  EXPECT_EQ(error_text([&] { file.read_rows(file.at("scalar"), 0, 0); }),
            path_.string() + ": rows [0, 0) of tensor `scalar` (F64 []) were asked for");
  EXPECT_EQ(error_text([&] { file.read_rows(file.at("x"), 1, 2); }),
            path_.string() + ": rows [1, 3) of tensor `x` (F32 [2, 3]) were asked for");
}

TEST_F(Safetensors, TheCallerChoosesTheKindOfError) {
  write("short");
  for (const ErrorKind kind : {ErrorKind::checkpoint, ErrorKind::data}) {
    try {
      SafetensorsFile file(path_, kind);
      FAIL();
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), kind);
    }
  }
}

TEST_F(Safetensors, TruncatedFilesAreRefused) {
  EXPECT_EQ(refusal_of("abc"), "has 3 bytes; a safetensors file starts with 8 bytes that give its header's length");
  EXPECT_EQ(refusal_of(file_of("{\"a\":", "").substr(0, 11)),
            "its header would have 5 bytes, but only 3 follow: the file is truncated");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "123"),
            "its tensors have 4 bytes, the file has 3: it is truncated");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "12345"),
            "its tensors have 4 bytes, the file has 5: something was appended");
}

TEST_F(Safetensors, AHugeHeaderIsRefusedBeforeItIsRead) {
  EXPECT_EQ(refusal_of(std::string(8, '\xff')),
            "its header would have 18446744073709551615 bytes, the limit is 16777216 "
            "(TTFM_MAX_SAFETENSORS_HEADER_BYTES=18446744073709551615 raises it); is it a safetensors file?");
  const test::Variable lowered("TTFM_MAX_SAFETENSORS_HEADER_BYTES", "1");
  EXPECT_EQ(refusal("{}", ""),
            "its header would have 2 bytes, the limit is 1 (TTFM_MAX_SAFETENSORS_HEADER_BYTES=2 raises it); is it a "
            "safetensors file?");
}

TEST_F(Safetensors, AFileThatIsAbsentOrNoFileIsRefused) {
  EXPECT_EQ(error_text([&] { SafetensorsFile file(path_); }),
            path_.string() + ": cannot be opened: No such file or directory");
  EXPECT_EQ(error_text([&] { SafetensorsFile file(folder_.path()); }),
            folder_.path().string() + ": is not a regular file");
  ASSERT_EQ(mkfifo(path_.c_str(), 0600), 0);
  EXPECT_EQ(error_text([&] { SafetensorsFile file(path_); }), path_.string() + ": is not a regular file");
}

TEST_F(Safetensors, HeadersThatAreNotWhatTheFormatSaysAreRefused) {
  EXPECT_EQ(refusal("[]", ""), "its header does not start with '{'; is it a safetensors file?");
  EXPECT_EQ(refusal("", ""), "its header does not start with '{'; is it a safetensors file?");
  EXPECT_NE(refusal("{\"a\"", "").find("the header is not valid JSON at its byte 5: "), std::string::npos);
  EXPECT_NE(refusal("{} x", "").find("the header is not valid JSON at its byte 4: "), std::string::npos);
  EXPECT_EQ(refusal(R"({"a":1})", ""), "the value of `a` holds a number, expected an object");
  EXPECT_EQ(refusal(R"({"a":{"dtype":{}}})", ""), "`dtype` of `a` holds an object, expected a string");
  EXPECT_EQ(refusal(R"({"a":{"shape":[-1]}})", ""),
            "`shape` of `a` holds a negative number, expected a whole number that is not negative");
  EXPECT_EQ(refusal(R"({"a":{"shape":[1.5]}})", ""),
            "`shape` of `a` holds a number that is not whole, expected a whole number that is not negative");
  EXPECT_EQ(refusal(R"({"a":{"shape":[[1]]}})", ""),
            "`shape` of `a` holds a list, expected a whole number that is not negative");
  EXPECT_EQ(refusal(R"({"a":{"shape":"2"}})", ""), "`shape` of `a` holds a string, expected a list of numbers");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[1]}})", ""), "tensor `a` has no `data_offsets`");
  EXPECT_EQ(refusal(R"({"a":{"size":1}})", ""),
            "tensor `a` has the unknown key `size`; expected dtype, shape and data_offsets");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[3,2]}})", ""),
            "tensor `a`: data_offsets are [begin, end] with begin <= end");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[],"data_offsets":[0]}})", ""),
            "tensor `a`: data_offsets are [begin, end] with begin <= end");
  EXPECT_EQ(refusal(R"({"__metadata__":{"k":1}})", ""), "`k` of `__metadata__` holds a number, expected a string");
  EXPECT_EQ(refusal(R"({"a":{"shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1]}})", ""),
            "`shape` of `a` has more than 16 numbers; the limit is 16 (TTFM_MAX_SAFETENSORS_DIMENSIONS=32 raises it)");
  const test::Variable raised("TTFM_MAX_SAFETENSORS_DIMENSIONS", "17");
  write(file_of(R"({"a":{"dtype":"U8","shape":[1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1],"data_offsets":[0,1]}})", "x"));
  EXPECT_EQ(SafetensorsFile(path_).read("a").dim(), 17);
}

TEST_F(Safetensors, ADeepHeaderEndsWithAnErrorNotWithTheStack) {
  EXPECT_EQ(refusal("{\"a\":" + std::string(1 << 20, '['), ""), "the value of `a` holds a list, expected an object");
}

TEST_F(Safetensors, ANameUsedTwiceIsRefused) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                    R"("a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]}})",
                    "1"),
            "the name `a` occurs twice in the header");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","dtype":"U8"}})", ""), "the key `dtype` occurs twice in `a`");
}

TEST_F(Safetensors, RangesCoverTheFileOnce) {
  const auto two = [](const std::string& a, const std::string& b) {
    return R"({"a":{"dtype":"U8","shape":[2],"data_offsets":)" + a +
           R"(},"b":{"dtype":"U8","shape":[2],"data_offsets":)" + b + "}}";
  };
  EXPECT_EQ(refusal(two("[0,2]", "[1,3]"), "123"),
            "tensor `b` starts at byte 1 of the data, expected 2: the tensors overlap");
  EXPECT_EQ(refusal(two("[0,2]", "[0,2]"), "12"),
            "tensor `b` starts at byte 0 of the data, expected 2: the tensors overlap");
  EXPECT_EQ(refusal(two("[0,2]", "[3,5]"), "12345"),
            "tensor `b` starts at byte 3 of the data, expected 2: the tensors leave a hole");
  EXPECT_EQ(refusal(two("[1,3]", "[3,5]"), "12345"),
            "tensor `a` starts at byte 1 of the data, expected 0: the tensors leave a hole");
}

TEST_F(Safetensors, ARangeHasTheSizeOfItsShape) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[2,3],"data_offsets":[0,20]}})", std::string(20, 'x')),
            "tensor `a` (F32 [2, 3]) needs 24 bytes, its data_offsets [0, 20] have 20");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", ""),
            "tensor `a`: the size of its shape overflows 64 bits");
  EXPECT_EQ(refusal(R"({"a":{"dtype":"U8","shape":[0,9223372036854775807,2],"data_offsets":[0,0]}})", ""),
            "tensor `a`: the size of its shape overflows 64 bits");
}

TEST_F(Safetensors, AnUnknownTypeIsRefusedWithTheKnownOnes) {
  EXPECT_EQ(refusal(R"({"a":{"dtype":"F8_E4M3","shape":[1],"data_offsets":[0,1]}})", "1"),
            "tensor `a` has the unknown dtype `F8_E4M3`; known are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL");
}

TEST_F(Safetensors, ABoolIsZeroOrOne) {
  const SafetensorsFile file(write(file_of(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", "\x01\x02")));

  EXPECT_EQ(error_text([&] { file.read("a"); }),
            path_.string() + ": tensor `a` (BOOL) holds the byte 2, expected 0 or 1");
}

TEST_F(Safetensors, AFileCutWhileItIsOpenIsAnError) {
  const SafetensorsFile file(write(file_of(R"({"a":{"dtype":"U8","shape":[4],"data_offsets":[0,4]}})", "1234")));
  std::filesystem::resize_file(path_, std::filesystem::file_size(path_) - 1);

  EXPECT_NE(error_text([&] { file.read("a"); }).find("it was truncated while it was read"), std::string::npos);
}

TEST_F(Safetensors, WhatCannotBeWrittenLeavesTheOldFile) {
  write("old");
  const at::Tensor x = at::zeros({2});
  const auto refuse = [&](const std::vector<NamedTensor>& tensors, const Metadata& metadata = {}) {
    return error_text([&] { write_safetensors(path_, tensors, metadata); }).substr(path_.string().size() + 2);
  };

  EXPECT_EQ(refuse({{"a", x}, {"a", x}}), "tensor `a` is to be written twice");
  EXPECT_EQ(refuse({{"a", at::Tensor()}}), "tensor `a` is undefined");
  EXPECT_EQ(refuse({{"a", x.to(at::kComplexFloat)}}),
            "tensor `a` has the type ComplexFloat; known are F64, F32, F16, BF16, I64, I32, I16, I8, U8, BOOL");
  EXPECT_EQ(refuse({{"__metadata__", x}}), "a tensor cannot be named `__metadata__` in a safetensors file");
  EXPECT_NE(refuse({{"\xff", x}}).find("not UTF-8"), std::string::npos);
  EXPECT_EQ(contents(path_), "old");
}

}  // namespace
}  // namespace ttfm::io
