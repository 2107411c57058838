# Passes blocks to the methods of blocks_server: ruby blocks_client.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

DRb.start_service('druby://localhost:0')
words = DRbObject.new_with_uri(ARGV.fetch(0))

letters = 0
count = words.each { |word, _| letters += word.size }
puts "#{count} words have #{letters} letters"

lengths = words.map { |word| word.size }
puts "their lengths: #{lengths}"

place = words.each { |word, place| break place if word == 'coffee' }
puts "coffee is at #{place}"

begin
  words.each { |word, _| raise 'no coffee, please' if word == 'coffee' }
rescue => error
  puts "#{error.message} (#{error.class})"
end
