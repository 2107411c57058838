# A client in Ruby's own drb, for the benchmark of references.
#
#   ruby references.rb client URI COUNT BATCH   prints `connected`, waits for a line, takes COUNT
#                                               references, prints `held`, then waits for the end of
#                                               standard input

require "drb/drb"

_, uri, count, batch = ARGV
count, batch = count.to_i, batch.to_i
shelf = DRbObject.new_with_uri(uri)
shelf.books(0, 1)[0].number
$stdout.sync = true
GC.start
puts "connected"
$stdin.gets
books = []
books.concat(shelf.books(books.size, batch)) while books.size < count
[0, count - 1].each { |number| books[number].number == number or abort "wrong book" }
GC.start
GC.compact
puts "held"
$stdin.read
