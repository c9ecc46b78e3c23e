import Evaluation
import Testing

/// The sentences of the official script, `metrics/imagenet_utils.py` of Attend-and-Excite.
@Suite("Prompt templates")
struct PromptTemplateTests {
  @Test("There are eighty, no two the same, and each has one place for the text")
  func count() {
    #expect(PromptTemplates.all.count == 80)
    #expect(Set(PromptTemplates.all).count == 80)
    #expect(
      PromptTemplates.all.allSatisfy {
        $0.split(separator: "{}", omittingEmptySubsequences: false).count == 2
      })
    #expect(PromptTemplates.all.first == "a bad photo of a {}.")
    #expect(PromptTemplates.all.last == "a tattoo of the {}.")
  }

  /// What Python's `template.format(text).replace("a a", "a").replace("the a", "a")` gives.
  @Test(
    "The script's replacements are of letters, not of words",
    arguments: [
      ("a cat", 0, "a bad photo of a cat."), ("a cat", 1, "a photo of many a cat."),
      ("a cat", 3, "a photo of the hard to see a cat."),
      ("a cat", 4, "a low resolution photo of a cat."),
      ("an elephant", 0, "a bad photo of an elephant."),
      ("an elephant", 10, "the embroidered an elephant."),
      ("the apple", 32, "a photo of the apple."),
      ("a zebra and a panda", 0, "a bad photo of a zebrand a panda."),
      ("a zebra and a panda", 32, "a photo of a zebrand a panda."),
      ("apple", 32, "a photo of apple."), ("apple", 0, "a bad photo of apple."),
      ("a panda asleep", 35, "a pandasleep in a video game."),
    ])
  func official(_ text: String, _ index: Int, _ sentence: String) {
    #expect(PromptTemplates.sentences(of: text, .official)[index] == sentence)
  }

  @Test(
    "Clean replacements are of whole words alone",
    arguments: [
      ("a cat", 0, "a bad photo of a cat."), ("a cat", 4, "a low resolution photo of a cat."),
      ("an elephant", 0, "a bad photo of an elephant."),
      ("an elephant", 10, "the embroidered an elephant."),
      ("an elephant", 32, "a photo of an elephant."),
      ("a zebra and a panda", 0, "a bad photo of a zebra and a panda."),
      ("apple", 32, "a photo of the apple."), ("apple", 0, "a bad photo of a apple."),
      ("a panda asleep", 35, "a panda asleep in a video game."),
    ])
  func words(_ text: String, _ index: Int, _ sentence: String) {
    #expect(PromptTemplates.sentences(of: text, .words)[index] == sentence)
  }
}
