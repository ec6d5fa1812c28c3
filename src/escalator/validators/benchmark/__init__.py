"""The benchmark validator: is the answer faster, beyond what noise explains?"""
