import Diffusion
import Testing

@Suite("Weighted sums of losses as text")
struct ObjectiveExpressionTests {
  @Test(
    "An expression is stored in one form, which gives the same expression again",
    arguments: [
      ("excite(cat,frog)", "excite(cat, frog)"),
      (" excite( cat ,frog )+0.5*bind(red,car)", "excite(cat, frog) + 0.5 * bind(red, car)"),
      ("-2 * iou(a#2, @5)", "-2.0 * iou(a#2, @5)"),
      ("1*kl(a,b) - centres(a,b)", "kl(a, b) - centres(a, b)"),
      ("1e-3*exists(cat)", "0.001 * exists(cat)"),
      ("box(cat,0,0.25,.5,1)", "box(cat, 0, 0.25, .5, 1)"),
      ("conform(red car, white sheep)", "conform(red car, white sheep)"),
    ])
  func canonical(_ text: String, _ canonical: String) throws {
    let expression = try ObjectiveExpression(text)
    #expect(expression.text == canonical)
    #expect(try ObjectiveExpression(canonical) == expression)
  }

  @Test(
    "An error points at the column and says what was expected",
    arguments: [
      ("", 1, "unknown term ''"),
      ("excite", 7, "expected ("), ("excite(cat", 11, "expected , or )"),
      ("excite(cat,)", 12, "expected a word"), ("excite()", 8, "expected a word"),
      ("0.5 excite(cat)", 5, "expected *"), ("excite(cat) bind(a, b)", 13, "expected + or -"),
      ("excite(cat) + shout(cat)", 15, "unknown term 'shout'; expected one of excite, syngen,"),
      ("excite(cat) + ", 15, "unknown term ''"),
      ("1.2.3*excite(cat)", 1, "'1.2.3' is not a number"),
      ("iou(cat)", 1, "iou takes 2 or more arguments, not 1"),
      ("excite(a) + same(a, b, c)", 13, "same takes 2 arguments, not 3"),
      ("box(cat, 0, 0, 1, wide)", 1, "box takes a word and four numbers"),
    ])
  func errors(_ text: String, _ column: Int, _ reason: String) throws {
    let error = try #require(throws: ObjectiveExpressionError.self) {
      try ObjectiveExpression(text)
    }
    #expect(error.column == column && error.reason.contains(reason), "\(error)")
    #expect(!error.description.contains("\n"))
  }

  @Test("Every term can be written", arguments: ObjectiveTerm.allCases)
  func terms(_ term: ObjectiveTerm) {
    let accepted = ["a", "a, b", "a, 0, 0, 1, 1"].filter {
      (try? ObjectiveExpression("\(term.rawValue)(\($0))")) != nil
    }
    #expect(!accepted.isEmpty)
  }
}
