/// The dependency of one word of a prompt on another, as *red* on *frog* in "a red frog".
package struct WordRelation: Hashable, Sendable {
  /// The kind of dependency, as in `amod` or `nmod:of`.
  package let relation: String
  /// The word on which the other depends, as in `frog` or `frog#2`.
  package let head: String
  /// The word that depends, as in `red` or `red#2`.
  package let dependent: String

  /// The relation of a dependent word to its head.
  package init(relation: String, head: String, dependent: String) {
    self.relation = relation
    self.head = head
    self.dependent = dependent
  }
}
