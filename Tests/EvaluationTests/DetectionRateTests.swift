import AttentionAnalysis
import Evaluation
import Testing

/// What follows from which subjects a detector finds, in which colours.
@Suite("Rates of a detector")
struct DetectionRateTests {
  private func values(
    _ attributes: [String: String], _ seen: [(subject: String, isFound: Bool, colors: [String]?)],
    places: [String] = [], holding: Double? = nil
  ) -> [String: Double] {
    OWLViTDetector.values(
      of: seen.map {
        SubjectDetection(
          subject: $0.subject, score: 0.5, box: [0, 0, 1, 1], isFound: $0.isFound,
          colors: $0.colors)
      }, relations: holding,
      SuitePrompt(
        id: "p", prompt: "a bear and a car", subjects: seen.map(\.subject), attributes: attributes,
        relations: places.map { SuitePrompt.Relation("bear", $0, "car") }))
  }

  @Test(
    "A colour is on the wrong object where a found subject has that of another one, and no other",
    arguments: [
      (["car": "red"], true, ["red"], true, ["red"], 1.0, 0.0, 1.0),
      (["car": "red"], true, ["brown"], true, ["red"], 0, 0, 1),
      (["car": "red"], false, ["red"], true, ["red"], 0, 0, 0),
      (["car": "red"], true, ["red", "brown"], true, ["red"], 0, 1, 1),
      (["car": "red"], true, ["red"], false, ["blue"], 1, 0, 0),
      (["car": "red", "bear": "blue"], true, ["red"], true, ["blue"], 1, 0, 0),
      (["car": "red", "bear": "blue"], true, ["blue"], true, ["red"], 0, 0, 1),
      (["car": "red", "bear": "red"], true, ["red"], true, ["red"], 0, 0, 1),
      (["car": "red", "bear": "blue"], true, ["blue"], true, ["green"], 0, 0, 0),
      (["car": "red", "bear": "blue"], true, ["blue"], true, ["red", "green"], 0, 1, 0),
    ] as [([String: String], Bool, [String], Bool, [String], Double, Double, Double)])
  func wrongColour(
    attributes: [String: String], bear: Bool, bearColors: [String], car: Bool, carColors: [String],
    wrong: Double, ties: Double, right: Double
  ) {
    let values = values(attributes, [("bear", bear, bearColors), ("car", car, carColors)])
    #expect(values["wrong-colour"] == wrong)
    #expect(values["ties"] == ties)
    #expect(values["right"] == right)
    #expect(values["missing"] == (bear && car ? 0 : 1))
    #expect(values["missing"] == 1 - (values["all"] ?? .nan))
  }

  @Test("Where no colour could be on another object, there is no such rate")
  func notAsked() {
    let plain = values([:], [("bear", true, nil), ("car", false, nil)])
    #expect(plain["wrong-colour"] == nil && plain["ties"] == nil && plain["missing"] == 1)
    let alone = values(["car": "red"], [("car", true, ["red"])])
    #expect(alone["wrong-colour"] == nil && alone["colours"] == 1 && alone["ties"] == 0)
  }

  @Test("A grey thing is a gray one")
  func grey() {
    let seen: [(String, Bool, [String]?)] = [("bear", true, ["brown"]), ("car", true, ["gray"])]
    #expect(values(["car": "grey"], seen)["right"] == 1)
    #expect(values(["car": "Gray", "bear": "grey"], seen)["colours"] == 0.5)
    #expect(values(["bear": "grey"], seen)["wrong-colour"] == 1)
  }

  @Test("What cannot be asked leaves open whether all is right, and is told")
  func unasked() {
    let found: [(String, Bool, [String]?)] = [("bear", true, ["brown"]), ("car", true, ["red"])]
    // Golden is none of the colours that the detector is asked about.
    let other = values(["car": "golden"], found)
    #expect(other["right"] == nil && other["colours"] == nil && other["all"] == 1)
    let some = values(["bear": "striped", "car": "red"], found)
    #expect(some["right"] == nil && some["colours"] == 1)
    #expect(values([:], found, places: ["behind"])["right"] == nil)
    #expect(values([:], found, places: ["behind", "under"], holding: 1)["right"] == nil)
    #expect(values([:], found, places: ["under"], holding: 1)["right"] == 1)
    #expect(values(["car": "red"], found, places: ["under"], holding: 0)["right"] == 0)
    let prompt = SuitePrompt(
      id: "p", prompt: "", subjects: ["bear", "car"],
      attributes: ["car": "golden", "bear": "grey"],
      relations: ["on the left of", "next to"].map { SuitePrompt.Relation("bear", $0, "car") })
    let told = OWLViTDetector.unasked(of: [prompt])
    #expect(told.attributes == ["golden"] && told.relations == ["next to"])
  }
}
