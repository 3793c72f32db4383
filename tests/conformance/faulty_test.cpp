// SPDX-License-Identifier: Apache-2.0
// SPDX-FileCopyrightText: The ttfm authors
//
// ttfm-conformance on components with one defect each (faulty/): the one test that is meant for it fails, and says so.
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cstdio>
#include <ostream>
#include <set>
#include <string>

namespace ttfm::conformance {
namespace {

struct Outcome {
  int code = -1;
  std::string text;
  std::set<std::string> failed;  ///< "Loss.RepeatsItself"
};

Outcome run(const std::string& arguments) {
  Outcome outcome;
  // what a faulty component leaks is its defect, not this test's
  const std::string command =
      "ASAN_OPTIONS=detect_leaks=0:$ASAN_OPTIONS " TTFM_CONFORMANCE_PROGRAM " " + arguments + " 2>&1";
  FILE* const pipe = popen(command.c_str(), "r");
  if (!pipe) return outcome;
  char buffer[4096];
  while (const size_t count = fread(buffer, 1, sizeof buffer, pipe)) outcome.text.append(buffer, count);
  const int status = pclose(pipe);
  outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  const std::string mark = "[  FAILED  ] ";
  for (size_t at = outcome.text.find(mark); at != std::string::npos; at = outcome.text.find(mark, at + 1)) {
    const size_t begin = at + mark.size();
    const std::string name = outcome.text.substr(begin, outcome.text.find_first_of(" ,\n", begin) - begin);
    if (name.find('.') != std::string::npos) outcome.failed.insert(name);
  }
  return outcome;
}

std::string library(const std::string& kind) {
  return std::string(TTFM_FAULTY_DIR) + "/libttfm_faulty_" + kind + ".so";
}

Outcome test(const std::string& kind, const std::string& name) {
  return run("--plugin " + library(kind) + " --kind " + kind + " --name " + name + " --gtest_brief=1");
}

struct Defect {
  const char *kind, *name, *test, *sentence;
};

std::ostream& operator<<(std::ostream& out, const Defect& defect) { return out << defect.kind << "/" << defect.name; }

class Faulty : public testing::TestWithParam<Defect> {};

TEST_P(Faulty, FailsTheTestThatIsMeantForIt) {
  const Defect& defect = GetParam();

  const Outcome outcome = test(defect.kind, defect.name);

  EXPECT_EQ(outcome.code, 1) << outcome.text;
  EXPECT_EQ(outcome.failed, std::set<std::string>{defect.test}) << outcome.text;
  EXPECT_NE(outcome.text.find(std::string(defect.kind) + " '" + defect.name + "'"), std::string::npos) << outcome.text;
  EXPECT_NE(outcome.text.find(defect.sentence), std::string::npos) << outcome.text;
}

// clang-format off
const Defect kDefects[] = {
    {"loss", "fails_to_start", "Loss.ConstructsFromItsDefaults", "cannot be constructed from its settings"},
    {"loss", "limits_allow_nothing", "Loss.RefusesWhatItsTableRefuses", "the limits of `optional` allow no value at all"},
    {"loss", "breaks_at_its_limit", "Loss.HoldsAtTheLimitsOfItsTable", "with `scale = 0`, which its table allows, the constructor fails with"},
    {"loss", "reads_a_hidden_key", "Loss.ReadsTheKeysOfItsTable", "reads `hidden`, which its table does not have"},
    {"loss", "never_reads_a_key", "Loss.ReadsTheKeysOfItsTable", "describes `unused` and never reads it"},
    {"loss", "leaks", "Loss.LivesManyTimes", "bytes behind each time that it is constructed and destroyed"},
    {"loss", "counts_instances", "Loss.InstancesAreIndependent", "gives other numbers when there are other instances of it"},
    {"loss", "draws_from_libtorch", "Loss.RestoresGlobalState", "the state of LibTorch's random generator: draw from the stream"},
    {"loss", "averages_the_batch", "Loss.GivesFiniteTermsPerSample", "must have one value for each sample of the batch"},
    {"loss", "detaches", "Loss.ReachesTheStudent", "no gradient reaches the student"},
    {"loss", "records_the_teacher", "Loss.ReachesOnlyTheStudent", "the gradient reaches the teacher's input"},
    {"loss", "differentiates_wrongly", "Loss.GradientsAreRight", "the gradient in the student's weights is wrong"},
    {"loss", "writes_to_x_0", "Loss.LeavesItsInputsAlone", "writes to x_0"},
    {"loss", "remembers", "Loss.RepeatsItself", "gives other numbers for the same batch, step and stream"},
    {"loss", "squeezes", "Loss.TakesABatchOfOne", "for a batch of one: no statistic of the batch may be needed"},
    {"loss", "centres_the_batch", "Loss.DoesNotDependOnMicroBatches", "depends on which others are in its batch"},
    {"loss", "drops_labels", "Loss.HandsOnLabels", "asked without the labels of the batch"},
    {"loss", "hides_the_teacher", "Loss.AsksForWhatItNeeds", "the loss asked for the teacher without LossNeeds::teacher"},
    {"loss", "wants_a_copy", "Loss.AsksForWhatItNeeds", "needs() asks for copy 0 of the student, which compute() never uses"},
    {"loss", "hides_a_derivative", "Loss.AsksForWhatItNeeds", "takes a derivative of the student, which needs() does not say"},
    {"loss", "swaps_times", "Loss.AsksWithinTheContract", "with s > t, which a student need not be defined for"},
    {"student", "gives_another_dtype", "Student.GivesAVelocityLikeX", "the velocity must have x's dtype"},
    {"student", "names_a_weight_twice", "Student.NamesItsWeightsOnce", "names the weight 'w' twice"},
    {"student", "forgets_a_weight", "Student.InitialisesFromItsStream", "initialise() does not set all of the weight 'b'"},
    {"student", "hides_a_weight", "Student.IsItsWeights", "after all weights of an equal instance were copied into it"},
    {"student", "stops_a_gradient", "Student.GradientsAreRight", "no gradient reaches the weight 'v'"},
    {"student", "tangent_is_zero", "Student.DualIsRight", "the tangent of velocity_dual() differs from differences"},
    {"student", "mixes_rows", "Student.RowsAreIndependent", "depends on the other rows of the batch"},
    {"student", "ignores_labels", "Student.KnowsItsLabels", "the labels 0 and 1 give the same velocity"},
    {"student", "ignores_the_dropout_stream", "Student.DropsAsItSays", "another dropout stream gives the same velocity"},
    {"student", "remembers", "Student.RepeatsItself", "gives another velocity for the same question"},
    {"student", "writes_to_x", "Student.LeavesItsInputsAlone", "writes to x, s or t"},
    {"teacher", "gives_another_dtype", "Teacher.GivesAVelocityLikeX", "the velocity must have x's dtype"},
    {"teacher", "names_a_weight_twice", "Teacher.NamesItsWeightsOnce", "names the weight 'weight' twice"},
    {"teacher", "detaches_x", "Teacher.XGradientIsRight", "no gradient reaches x"},
    {"teacher", "mixes_rows", "Teacher.TakesABatchOfOne", "depends on the other rows of the batch"},
    {"teacher", "claims_classes", "Teacher.KnowsItsLabels", "traits() says 7 classes"},
    {"teacher", "remembers", "Teacher.RepeatsItself", "gives another velocity for the same question"},
    {"teacher", "writes_to_t", "Teacher.LeavesItsInputsAlone", "writes to x or t"},
    {"teacher", "map_is_inexact", "Teacher.ExactMapIsExact", "its exact map's u_{t,t}(x) is not the velocity"},
    {"teacher", "density_is_nan", "Teacher.DensityIsFinite", "log_density() is not a number"},
    {"sampler", "works_on_nothing", "Sampler.SaysWhatItWorksOn", "works on nothing"},
    {"sampler", "stops_before_the_end", "Sampler.EndsAtOne", "must end at t = 1 exactly"},
    {"sampler", "asks_once_more", "Sampler.SpendsWhatItSays", "must spend the evaluations that it is given"},
    {"sampler", "walks_backwards", "Sampler.FollowsTheFlow", "does not end where the exact flow ends"},
    {"sampler", "writes_to_x_0", "Sampler.LeavesItsInputsAlone", "writes to x_0"},
    {"sampler", "mixes_rows", "Sampler.TakesABatchOfOne", "depends on which others are in its batch"},
    {"sampler", "remembers", "Sampler.RepeatsItself", "gives other samples for the same noise and stream"},
    {"sampler", "drops_labels", "Sampler.AsksWithinTheContract", "hand in.call() on in every question"},
    {"dataset", "has_no_dimension", "Dataset.StatesSaneTraits", "traits() says rank = 0"},
    {"dataset", "writes_beyond", "Dataset.FillsItsBuffers", "writes outside of the buffers that it is given"},
    {"dataset", "label_is_too_large", "Dataset.GivesLabelsInRange", "gives the label 3 where traits() says 3 classes"},
    {"dataset", "leaves_its_range", "Dataset.GivesFiniteValuesInRange", "outside of the range [-1, 1]"},
    {"dataset", "remembers", "Dataset.RepeatsItself", "gives another sample for the same split, index and key"},
    {"dataset", "goes_by_the_place", "Dataset.DoesNotDependOnBatching", "is another one when it is read alone"},
    {"dataset", "shares_a_buffer", "Dataset.ReadsFromSeveralThreads", "when several threads read at once"},
};
// clang-format on

INSTANTIATE_TEST_SUITE_P(Components, Faulty, testing::ValuesIn(kDefects),
                         [](const auto& each) { return std::string(each.param.kind) + "_" + each.param.name; });

TEST(Conformance, PassesWhatIsSound) {
  for (const char* kind : {"loss", "student", "teacher", "sampler", "dataset"}) {
    const Outcome outcome = test(kind, "none");

    EXPECT_EQ(outcome.code, 0) << kind << "\n" << outcome.text;
  }
}

TEST(Conformance, HasAFaultyComponentForEachTest) {
  for (const std::string kind : {"loss", "student", "teacher", "sampler", "dataset"}) {
    const std::string listed =
        run("--plugin " + library(kind) + " --kind " + kind + " --name none --gtest_list_tests").text;
    std::string suite = kind;
    suite[0] = static_cast<char>(suite[0] - 'a' + 'A');
    for (size_t at = listed.find("\n  "); at != std::string::npos; at = listed.find("\n  ", at + 1)) {
      const std::string name = listed.substr(at + 3, listed.find('\n', at + 3) - at - 3);
      bool found = false;
      for (const Defect& defect : kDefects) {
        const std::string test = defect.test;  // what every component owes is one source, which losses stand for
        found = found || test == suite + "." + name || test == "Loss." + name;
      }
      EXPECT_TRUE(found) << suite << "." << name;
    }
  }
}

TEST(Conformance, EndsAsTheProgramDoesForWhatItCannotTest) {
  const Outcome nothing = run("--plugin /nowhere.so --kind loss --name none");
  const Outcome unknown = run("--plugin " + library("loss") + " --kind loss --name nome");
  const Outcome stray = run("--plugin " + library("loss") + " --kind loss --name none stray");
  const Outcome incomplete = run("--kind loss");

  EXPECT_EQ(nothing.code, 5);
  EXPECT_EQ(nothing.text, "error[E101]: there is no file '/nowhere.so': --plugin wants the library of a plugin.\n");
  EXPECT_EQ(unknown.code, 2);
  EXPECT_NE(unknown.text.find("error[E115]: no loss 'nome'. Did you mean 'none'?"), std::string::npos) << unknown.text;
  EXPECT_EQ(stray.code, 2);
  EXPECT_EQ(stray.text,
            "error: 'stray' is not an argument of `ttfm-conformance`; a parameter is set by --loss.KEY=VALUE\n");
  EXPECT_EQ(incomplete.code, 2);
}

}  // namespace
}  // namespace ttfm::conformance
