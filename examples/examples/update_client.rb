# Passes the same two numbers to update_server as a copy and by reference:
# ruby update_client.rb druby://localhost:9000
require 'drb'
require 'drb/unix'

class Pair
  attr_reader :first, :second

  def initialize(first, second)
    @first = first
    @second = second
  end

  def add(by)
    @first += by
    @second += by
    nil
  end
end

DRb.start_service('druby://localhost:0')
updater = DRbObject.new_with_uri(ARGV.fetch(0))

pair = Pair.new(10, 20)
updater.update(pair)
puts "a copy: #{pair.first}, #{pair.second}"

pair.extend(DRbUndumped)
updater.update(pair)
puts "by reference: #{pair.first}, #{pair.second}"
